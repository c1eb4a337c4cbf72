#!/bin/sh
# Stop the HTCondor pool that htcondor-up.sh started, and no other, with its jobs. What it knew of them is forgotten.
set -eu
CONF=${CONF:-/etc/condor/condor_config}
CONDOR_STATE=${CONDOR_STATE:-/var/lib/recast-bridge-condor}
# shellcheck source=common.sh source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
[ -d "$CONDOR_STATE" ] || exit 0

no_job() { [ -z "$(timeout 10 condor_q -all -af ClusterId)" ]; }
if runs "$CONDOR_STATE/run/master.pid" condor_master; then
    timeout 10 condor_rm -all >/dev/null 2>&1 || true
    await 15 no_job || timeout 10 condor_rm -all -forcex >/dev/null 2>&1 || true
fi
stop "$CONDOR_STATE/run/master.pid" condor_master
rm -rf "$CONDOR_STATE"
if grep -qs '^# Written by htcondor-up.sh of recast-bridge' "$CONF"; then rm -f "$CONF"; fi
rmdir "${CONF%/*}" 2>/dev/null || true
echo "htcondor-down: stopped"
