#!/bin/sh
# Make a HTCondor pool answer: on Debian, as root, with one machine and no systemd. Debian 12 has no package of it, so
# it is taken from a later suite of the same mirror, with the libraries that it was built for; the libraries of the
# system stay as they are. Jobs see the machine as it is: its files, its Python, its Apptainer.
# Does nothing where a pool answers already; with --check it only says whether one does. htcondor-down.sh stops what
# this script started.
#
#   CPUS=8 MEMORY=8000   how many processors and MB the machine says to have
#
# HTCondor takes no job of root: submit as the user JOB_USER, recast, who is made if need be.
set -eu
SUITE=${SUITE:-trixie} CPUS=${CPUS:-8} MEMORY=${MEMORY:-8000} PORT=${PORT:-9618}
CONF=${CONF:-/etc/condor/condor_config}
RELEASE=/opt/recast-bridge-condor
CONDOR_STATE=${CONDOR_STATE:-/var/lib/recast-bridge-condor}
COMMANDS=${COMMANDS:-/usr/local/bin}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common.sh source-path=SCRIPTDIR
. "$here/common.sh"
MARK='# Written by htcondor-up.sh of recast-bridge.'

has_slot() { timeout 10 condor_status -af Name | grep -q .; }
answers() { has_slot && timeout 10 condor_q; }

if answers >/dev/null 2>&1; then
    echo "htcondor-up: a pool is there"
    exit 0
fi
[ "${1:-}" != --check ] || die "no pool answers"
if [ -e "$CONF" ] && ! grep -q "^$MARK" "$CONF"; then die "$CONF is that of another pool, which does not answer"; fi
[ "$(id -u)" -eq 0 ] || die "no pool answers, and only root can start one"
"$here/htcondor-down.sh"

later() { # COMMAND...: apt, of the later suite and without a trace in the system's own state
    "$@" -o Dir::Etc::SourceList="$work/list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists" \
        -o Dir::State::Status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root
}

install_condor() {
    command -v patchelf >/dev/null || install_packages patchelf
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # shellcheck disable=SC2016  # apt fills this in, not the shell
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' |
        grep -v -e '-security' | head -n 1)
    [ -n "$mirror" ] || die "apt knows no mirror of Debian"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $SUITE main" >"$work/list"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
    # To apt, nothing is installed: all that condor depends on is downloaded.
    : >"$work/status"
    later apt-get update -qq
    later apt-get install -y -qq --no-install-recommends --download-only condor >/dev/null ||
        die "cannot download condor from $SUITE"
    for package in "$work"/cache/archives/condor_*.deb "$work"/cache/archives/lib*.deb; do
        dpkg -x "$package" "$work/root"
    done

    rm -rf "$RELEASE"
    mkdir -p "$RELEASE/lib"
    cp -a "$work/root/usr/bin" "$work/root/usr/sbin" "$work/root/usr/libexec" "$RELEASE"
    find "$work/root/usr" -name '*.so*' -path '*/lib*' ! -path '*/gconv/*' ! -path '*/perl*' ! -path '*/python*' \
        ! -path '*/libexec/*' -exec cp -L {} "$RELEASE/lib" \;
    loader=$(patchelf --print-interpreter "$RELEASE/sbin/condor_master")
    for program in "$RELEASE"/bin/condor_* "$RELEASE"/sbin/condor_* "$RELEASE"/libexec/condor/*; do
        if [ -L "$program" ] || ! patchelf --print-interpreter "$program" >/dev/null 2>&1; then continue; fi
        patchelf --set-interpreter "$RELEASE/lib/${loader##*/}" --force-rpath --set-rpath "$RELEASE/lib" "$program"
    done
    touch "$RELEASE/complete"
}
[ -e "$RELEASE/complete" ] || install_condor
for program in "$RELEASE"/bin/condor_* "$RELEASE"/sbin/condor_*; do ln -sf "$program" "$COMMANDS"; done
id condor >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin condor
make_user

install -d -m 755 "$CONDOR_STATE" "${CONF%/*}"
for folder in spool log lock run; do install -d -m 755 -o condor -g condor "$CONDOR_STATE/$folder"; done
install -d -m 1777 "$CONDOR_STATE/execute"
# Everybody may do everything, but only from this machine. The times are short: a test waits for them.
cat >"$CONF" <<CONF
$MARK
CONDOR_HOST = 127.0.0.1
COLLECTOR_HOST = 127.0.0.1:$PORT
NETWORK_INTERFACE = 127.0.0.1
USE_SHARED_PORT = TRUE
SHARED_PORT_PORT = $PORT
DAEMON_LIST = MASTER, SHARED_PORT, COLLECTOR, NEGOTIATOR, SCHEDD, STARTD
RELEASE_DIR = $RELEASE
BIN = $RELEASE/bin
SBIN = $RELEASE/sbin
LIB = $RELEASE/lib
LIBEXEC = $RELEASE/libexec/condor
LOCAL_DIR = $CONDOR_STATE
SPOOL = $CONDOR_STATE/spool
LOG = $CONDOR_STATE/log
LOCK = $CONDOR_STATE/lock
RUN = $CONDOR_STATE/run
EXECUTE = $CONDOR_STATE/execute
UID_DOMAIN = recast
FILESYSTEM_DOMAIN = recast
TRUST_UID_DOMAIN = TRUE
STARTER_ALLOW_RUNAS_OWNER = TRUE
SEC_DEFAULT_AUTHENTICATION = OPTIONAL
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, CLAIMTOBE
ALLOW_READ = *
ALLOW_WRITE = *
ALLOW_DAEMON = *
ALLOW_ADMINISTRATOR = *
ALLOW_NEGOTIATOR = *
NUM_CPUS = $CPUS
MEMORY = $MEMORY
NUM_SLOTS_TYPE_1 = 1
SLOT_TYPE_1 = 100%
SLOT_TYPE_1_PARTITIONABLE = TRUE
START = TRUE
SUSPEND = FALSE
PREEMPT = FALSE
KILL = FALSE
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_CYCLE_DELAY = 1
NEGOTIATOR_MIN_INTERVAL = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
UPDATE_INTERVAL = 5
PERIODIC_EXPR_INTERVAL = 2
MAX_PERIODIC_EXPR_INTERVAL = 2
STARTER_UPDATE_INTERVAL = 5
STARTER_INITIAL_UPDATE_INTERVAL = 2
MOUNT_UNDER_SCRATCH =
DISCARD_SESSION_KEYRING_ON_STARTUP = FALSE
CONF

problem=$(CONDOR_CONFIG="$CONF" "$RELEASE/sbin/condor_master" -pidfile "$CONDOR_STATE/run/master.pid" </dev/null 2>&1) ||
    die "condor_master did not start: $problem"
await 60 answers || die "the pool did not start; its logs are in $CONDOR_STATE/log"
echo "htcondor-up: started $(condor_version | head -n 1 | tr -d '$')"
