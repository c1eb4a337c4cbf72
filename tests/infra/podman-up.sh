#!/bin/sh
# Make Podman run containers: on Debian, as root, it is installed from the distribution. It needs no systemd.
# Does nothing where it runs containers already; with --check it only says whether it does. Nothing keeps running, so
# there is nothing to stop.
set -eu
CONF=${CONF:-/etc/containers/containers.conf.d/recast-bridge.conf}

die() { echo "podman-up: $*" >&2; exit 1; }
# Needs no image: the machine's own root directory serves as one, and what would be written to it is thrown away.
runs() { timeout 60 podman run --rm --init --network none --rootfs /:O true; }

if runs >/dev/null 2>&1; then
    echo "podman-up: podman runs containers"
    exit 0
fi
[ "${1:-}" != --check ] || die "podman runs no container"
[ "$(id -u)" -eq 0 ] || die "podman runs no container, and only root can install it and set it up"

apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends podman runc catatonit \
    containernetworking-plugins iptables ca-certificates >/dev/null || die "cannot install podman"
if ! runs >/dev/null 2>&1; then
    # crun, which podman prefers, refuses a machine that has both versions of cgroups.
    mkdir -p "$(dirname "$CONF")"
    printf '[engine]\nruntime = "runc"\n' >"$CONF"
fi
problem=$(runs 2>&1) || die "podman runs no container: $problem"
echo "podman-up: set up $(podman --version)"
