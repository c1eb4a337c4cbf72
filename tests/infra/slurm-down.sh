#!/bin/sh
# Stop the Slurm that slurm-up.sh started, and no other, with its jobs. What it knew of them is forgotten.
set -eu
CONF=${CONF:-/etc/slurm/slurm.conf}
SLURM_STATE=${SLURM_STATE:-/var/lib/recast-bridge-slurm}
# shellcheck source=common.sh source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
[ -d "$SLURM_STATE" ] || exit 0

idle() { [ -z "$(timeout 10 squeue -h -t running,completing,suspended)" ]; }
if runs "$SLURM_STATE/controller/slurmctld.pid" slurmctld; then
    timeout 10 squeue -h -o %A | xargs -r timeout 10 scancel 2>/dev/null || true
    await 20 idle || echo "slurm-down: jobs are still running" >&2
fi
stop "$SLURM_STATE/controller/slurmctld.pid" slurmctld
for file in "$SLURM_STATE"/node*.pid; do stop "$file" slurmd; done
stop "$SLURM_STATE/controller/slurmdbd.pid" slurmdbd
stop "$SLURM_STATE/database/mariadbd.pid" mariadbd
stop "$SLURM_STATE/munged.pid" munged
rm -rf "$SLURM_STATE"
for file in "$CONF" "${CONF%/*}/slurmdbd.conf"; do
    if grep -qs '^# Written by slurm-up.sh of recast-bridge' "$file"; then rm -f "$file"; fi
done
echo "slurm-down: stopped"
