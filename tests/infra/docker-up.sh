#!/bin/sh
# Make a Docker engine answer: on Debian, as root, it is installed from the distribution and started without systemd.
# Does nothing where one answers already. docker-down.sh stops what this script started.
set -eu
LOG=${LOG:-/var/log/recast-bridge-dockerd.log}
MARK=${MARK:-/run/recast-bridge-dockerd.pid}

die() { echo "docker-up: $*" >&2; exit 1; }
answers() { timeout 10 docker info >/dev/null 2>&1; }

if answers; then
    echo "docker-up: an engine is there"
    exit 0
fi
[ "$(id -u)" -eq 0 ] || die "no engine answers, and only root can start one"

install_packages() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        die "cannot install $*"
}
if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
    apt-get update -qq
fi
if ! command -v dockerd >/dev/null; then
    # The package would start the engine by itself, where there is no service manager.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    install_packages docker.io iptables ca-certificates
fi
# Newer releases have the command in a package of its own.
command -v docker >/dev/null || install_packages docker-cli

# A crash leaves a pid file behind, and dockerd does not start while there is one.
if [ -f /run/docker.pid ] && ! kill -0 "$(cat /run/docker.pid)" 2>/dev/null; then rm -f /run/docker.pid; fi
setsid dockerd </dev/null >"$LOG" 2>&1 &
echo $! >"$MARK"
tries=60
until answers; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$(cat "$MARK")" 2>/dev/null; then
        tail -n 20 "$LOG" >&2
        die "the engine did not start; its log is $LOG"
    fi
    sleep 0.5
done
echo "docker-up: started $(docker version --format '{{.Server.Version}}')"
