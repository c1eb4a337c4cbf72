#!/bin/sh
# Make a Grid Engine answer: on Debian, as root, it is installed from the distribution and started without systemd,
# with the queue `main` and the parallel environment `smp` on this one machine. Does nothing where one answers already;
# with --check it only says whether one does. gridengine-down.sh stops what this script started.
#
#   SLOTS=8   how many jobs run at the same time
set -eu
SLOTS=${SLOTS:-8}
GRIDENGINE_STATE=${GRIDENGINE_STATE:-/var/lib/recast-bridge-gridengine}
CELL=/var/lib/gridengine/default
SPOOL=/var/spool/gridengine
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh source-path=SCRIPTDIR
. "$here/common.sh"

master_answers() { timeout 10 qconf -sh; }
answers() {
    timeout 10 qselect | grep -q . || return 1
    # A host that does not report has no load.
    timeout 10 qhost | awk '$1 != "global" && $7 ~ /^[0-9]/ { found = 1 } END { exit !found }'
}

if answers 2>/dev/null; then
    echo "gridengine-up: a Grid Engine is there"
    exit 0
fi
[ "${1:-}" != --check ] || die "no Grid Engine answers"
[ "$(id -u)" -eq 0 ] || die "no Grid Engine answers, and only root can start one"
"$here/gridengine-down.sh"

set -- # The packages that are missing.
command -v qsub >/dev/null || set -- "$@" gridengine-client
command -v sge_qmaster >/dev/null || set -- "$@" gridengine-master
command -v sge_execd >/dev/null || set -- "$@" gridengine-exec
[ $# -eq 0 ] || install_packages "$@"
make_user

# gridengine-down.sh puts back what the packages came with.
install -d -m 755 "$GRIDENGINE_STATE"
cp -a "$CELL" "$GRIDENGINE_STATE/cell"
cp -a "$SPOOL" "$GRIDENGINE_STATE/spool"

host=$(hostname)
echo "$host" >"$CELL/common/act_qmaster"
# The address of the machine may have both names.
echo "$host localhost" >"$CELL/common/host_aliases"
problem=$(runuser -u sgeadmin -- sge_qmaster </dev/null 2>&1) || die "sge_qmaster did not start: $problem"
await 30 master_answers || die "sge_qmaster does not answer; its log is $SPOOL/qmaster/messages"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || die "$* failed: $(cat "$work/log")"; }
qconf -sm | grep -qx root || quietly runuser -u sgeadmin -- qconf -am root
quietly qconf -as "$host"

cat >"$work/host" <<CONF
hostname $host
load_scaling NONE
complex_values NONE
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
CONF
quietly qconf -Ae "$work/host"
printf 'group_name @allhosts\nhostlist %s\n' "$host" >"$work/group"
quietly qconf -Ahgrp "$work/group"
cat >"$work/smp" <<CONF
pe_name smp
slots $SLOTS
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule \$pe_slots
control_slaves FALSE
job_is_first_task TRUE
urgency_slots min
accounting_summary TRUE
qsort_args NONE
CONF
quietly qconf -Ap "$work/smp"
# Without a name, qconf shows what a new queue is like.
qconf -sq | sed -e 's/^\(qname *\).*/\1main/' -e 's/^\(hostlist *\).*/\1@allhosts/' -e 's/^\(pe_list *\).*/\1smp/' \
    -e "s/^\(slots *\).*/\1$SLOTS/" -e 's/^\(load_thresholds *\).*/\1NONE/' -e 's|^\(shell *\)/.*|\1/bin/sh|' >"$work/queue"
quietly qconf -Aq "$work/queue"
# Root may submit too. The times are short: a test waits for them.
qconf -sconf | sed -e 's/^\(min_[ug]id *\).*/\10/' -e 's/^\(load_report_time *\).*/\100:00:05/' \
    -e 's/flush_time=[0-9:]*/flush_time=00:00:01/' >"$work/global"
quietly qconf -Mconf "$work/global"
qconf -ssconf | sed -e 's/^\(schedule_interval *\).*/\10:0:2/' -e 's/^\(flush_[a-z]*_sec *\).*/\11/' >"$work/scheduler"
quietly qconf -Msconf "$work/scheduler"

# In a session of its own: it shall outlive the one who starts it.
quietly setsid sge_execd
await 60 answers || die "sge_execd does not report; its log is $SPOOL/execd/${host%%.*}/messages"
echo "gridengine-up: started $(qstat -help | head -n 1), $SLOTS slots"
