#!/bin/sh
# Make a Slurm answer: on Debian, as root, it is installed from the distribution and started without systemd, with
# several nodes on this one machine. Does nothing where it answers already as it is asked for here; where it was
# started with other settings, or a node of it is down, it is started afresh; with --check it only says whether one
# answers. slurm-down.sh stops what this script started.
#
#   NODES=2 CPUS=8 MEMORY=4000   how many nodes, and how many processors and MB each of them says to have
#   ACCOUNTING=1                 with a database, so that sacct answers
#
# A job is ended soon after its limit of time (KillWait) or of memory (sampled every second).
set -eu
NODES=${NODES:-2} CPUS=${CPUS:-8} MEMORY=${MEMORY:-4000} ACCOUNTING=${ACCOUNTING:-0} PORT=${PORT:-6817}
CONF=${CONF:-/etc/slurm/slurm.conf}
SLURM_STATE=${SLURM_STATE:-/var/lib/recast-bridge-slurm}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh source-path=SCRIPTDIR
. "$here/common.sh"
MARK='# Written by slurm-up.sh of recast-bridge.'

answers() { timeout 10 sinfo -h >/dev/null 2>&1; }
nodes_are_up() { [ "$(timeout 10 sinfo -h -N -t idle,mix,alloc,comp -o %N | sort -u | wc -l)" -eq "$NODES" ]; }

# A job that has ended stays in squeue for MinJobAge. config_overrides: the nodes may have more than the machine has.
configuration() {
    host=$(hostname -s)
    cat <<CONF
$MARK
ClusterName=recast
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=slurm
AuthType=auth/munge
StateSaveLocation=$SLURM_STATE/controller/state
SlurmctldPidFile=$SLURM_STATE/controller/slurmctld.pid
SlurmctldLogFile=$SLURM_STATE/controller/slurmctld.log
SlurmdSpoolDir=$SLURM_STATE/%n
SlurmdPidFile=$SLURM_STATE/%n.pid
SlurmdLogFile=$SLURM_STATE/%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=300
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
PropagateResourceLimits=NONE
ReturnToService=1
MinJobAge=300
MaxArraySize=10001
KillWait=5
OverTimeLimit=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
CONF
    if [ "$ACCOUNTING" = 0 ]; then
        echo "AccountingStorageType=accounting_storage/none"
    else
        echo "AccountingStorageType=accounting_storage/slurmdbd"
        echo "AccountingStorageHost=127.0.0.1"
        echo "AccountingStoragePort=$((PORT + 1))"
    fi
    cat <<CONF
NodeName=node[1-$NODES] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((PORT + 11))-$((PORT + 10 + NODES))] CPUs=$CPUS RealMemory=$MEMORY State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

if answers && { [ "${1:-}" = --check ] || ! grep -qs "^$MARK" "$CONF"; }; then
    echo "slurm-up: a Slurm is there"
    exit 0
fi
[ "${1:-}" != --check ] || die "no Slurm answers"
if [ -e "$CONF" ] && ! grep -q "^$MARK" "$CONF"; then die "$CONF is that of another Slurm, which does not answer"; fi
if [ "$(cat "$CONF" 2>/dev/null)" = "$(configuration)" ] && answers && nodes_are_up; then
    echo "slurm-up: a Slurm is there"
    exit 0
fi
[ "$(id -u)" -eq 0 ] || die "no Slurm answers, and only root can start one"
"$here/slurm-down.sh"

set -- # The packages that are missing.
command -v munged >/dev/null || set -- "$@" munge
command -v sbatch >/dev/null || set -- "$@" slurm-client
command -v slurmctld >/dev/null || set -- "$@" slurmctld
command -v slurmd >/dev/null || set -- "$@" slurmd
if [ "$ACCOUNTING" != 0 ]; then
    command -v slurmdbd >/dev/null || set -- "$@" slurmdbd
    command -v mariadbd >/dev/null || set -- "$@" mariadb-server
fi
[ $# -eq 0 ] || install_packages "$@"

make_user
install -d -m 755 "$SLURM_STATE" "${CONF%/*}"
install -d -m 755 -o slurm -g slurm "$SLURM_STATE/controller" "$SLURM_STATE/controller/state"
node=1
while [ "$node" -le "$NODES" ]; do
    install -d -m 755 "$SLURM_STATE/node$node"
    node=$((node + 1))
done
configuration >"$CONF"

if ! munge -n >/dev/null 2>&1; then
    if [ ! -s /etc/munge/munge.key ]; then
        install -m 400 /dev/null /etc/munge/munge.key
        head -c 1024 /dev/urandom >/etc/munge/munge.key
        chown munge:munge /etc/munge/munge.key
    fi
    install -d -m 755 -o munge -g munge /run/munge
    runuser -u munge -- munged --force
    await 10 munge -n || die "munged does not answer; its log is in /var/log/munge"
    cp /run/munge/munged.pid "$SLURM_STATE/munged.pid"
fi

if [ "$ACCOUNTING" != 0 ]; then
    database=$SLURM_STATE/database
    install -d -m 755 -o mysql -g mysql "$database"
    mariadb-install-db --no-defaults --user=mysql --datadir="$database/data" --skip-test-db >/dev/null
    setsid mariadbd --no-defaults --user=mysql --datadir="$database/data" --bind-address=127.0.0.1 \
        --port=$((PORT + 2)) --skip-name-resolve --socket="$database/socket" --pid-file="$database/mariadbd.pid" \
        </dev/null >"$SLURM_STATE/mariadbd.log" 2>&1 &
    sql() { mariadb --no-defaults --socket="$database/socket" -e "$1"; }
    await 60 sql 'select 1' || die "the database did not start; its log is $SLURM_STATE/mariadbd.log"
    # The database listens to this machine only and is thrown away with what is in it.
    sql "create database accounting; grant all on accounting.* to slurm@127.0.0.1 identified by 'slurm'"
    install -m 600 -o slurm -g slurm /dev/null "${CONF%/*}/slurmdbd.conf"
    cat >"${CONF%/*}/slurmdbd.conf" <<CONF
$MARK
AuthType=auth/munge
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((PORT + 1))
SlurmUser=slurm
PidFile=$SLURM_STATE/controller/slurmdbd.pid
LogFile=$SLURM_STATE/controller/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((PORT + 2))
StorageLoc=accounting
StorageUser=slurm
StoragePass=slurm
CONF
    slurmdbd </dev/null
    await 60 timeout 10 sacctmgr -n show cluster || die "slurmdbd did not start; its log is $SLURM_STATE/controller/slurmdbd.log"
    sacctmgr -i -Q add cluster recast >/dev/null
    sacctmgr -i -Q add account tests Description=tests Organization=tests >/dev/null
    sacctmgr -i -Q add user "root,$JOB_USER" Account=tests >/dev/null
fi

slurmctld </dev/null
await 30 answers || die "slurmctld did not start; its log is $SLURM_STATE/controller/slurmctld.log"
node=1
while [ "$node" -le "$NODES" ]; do
    slurmd -N "node$node" </dev/null
    node=$((node + 1))
done
await 60 nodes_are_up || die "the nodes did not start; their logs are $SLURM_STATE/node*.log"
echo "slurm-up: started $(slurmctld -V), $NODES nodes of $CPUS processors"
