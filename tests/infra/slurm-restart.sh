#!/bin/sh
# Restart the controller of the Slurm that slurm-up.sh started, as after a crash or an update. It keeps what it knows
# of its jobs, and they run on.
#
#   slurm-restart.sh [SECONDS]   for so long nothing answers
set -eu
SLURM_STATE=${SLURM_STATE:-/var/lib/recast-bridge-slurm}
# shellcheck source=common.sh source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
[ "$(id -u)" -eq 0 ] || die "only root can do that"
runs "$SLURM_STATE/controller/slurmctld.pid" slurmctld || die "slurm-up.sh started no Slurm that runs"
stop "$SLURM_STATE/controller/slurmctld.pid" slurmctld
sleep "${1:-0}"
slurmctld </dev/null
answers() { timeout 10 sinfo -h; }
await 30 answers || die "slurmctld did not start; its log is $SLURM_STATE/controller/slurmctld.log"
echo "slurm-restart: restarted"
