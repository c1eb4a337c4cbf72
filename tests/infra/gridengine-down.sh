#!/bin/sh
# Stop the Grid Engine that gridengine-up.sh started, and no other, with its jobs. What it knew of them is forgotten.
set -eu
GRIDENGINE_STATE=${GRIDENGINE_STATE:-/var/lib/recast-bridge-gridengine}
CELL=/var/lib/gridengine/default
SPOOL=/var/spool/gridengine
# shellcheck source=common.sh source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
[ -d "$GRIDENGINE_STATE" ] || exit 0

no_job() { [ -z "$(timeout 10 qstat -u '*')" ]; }
if runs "$SPOOL/qmaster/qmaster.pid" sge_qmaster; then
    timeout 10 qdel -u '*' >/dev/null 2>&1 || true
    await 15 no_job || timeout 10 qdel -f -u '*' >/dev/null 2>&1 || true
fi
for file in "$SPOOL"/execd/*/execd.pid; do stop "$file" sge_execd; done
stop "$SPOOL/qmaster/qmaster.pid" sge_qmaster
if [ -d "$GRIDENGINE_STATE/cell" ] && [ -d "$GRIDENGINE_STATE/spool" ]; then
    rm -rf "$CELL" "$SPOOL"
    mv "$GRIDENGINE_STATE/cell" "$CELL"
    mv "$GRIDENGINE_STATE/spool" "$SPOOL"
fi
rm -rf "$GRIDENGINE_STATE"
echo "gridengine-down: stopped"
