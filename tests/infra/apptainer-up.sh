#!/bin/sh
# Make Apptainer run containers: on Debian, as root. Debian 12 has no package of it, so it is taken from a later suite
# of the same mirror, with the libraries that it was built for; the libraries of the system stay as they are.
# Does nothing where it runs containers already; with --check it only says whether it does. Nothing keeps running, so
# there is nothing to stop.
set -eu
SUITE=${SUITE:-sid}
LIBRARIES=${LIBRARIES:-/opt/recast-bridge-apptainer}
CONF=${CONF:-/etc/apptainer/apptainer.conf}

die() { echo "apptainer-up: $*" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root" "$work/debs"

# Needs no image: the programs of the machine are mounted into an empty one.
mkdir -p "$work/image/dev" "$work/image/proc" "$work/image/sys" "$work/image/etc"
programs=$(echo /bin /lib* /usr | tr ' ' ,)
runs() { timeout 60 apptainer --quiet exec --containall --no-mount tmp,home --bind "$programs" "$work/image" true; }

later() { # COMMAND...: apt, of the later suite and without a trace in the system's own state
    "$@" -o Dir::Etc::SourceList="$work/list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root
}

install_apptainer() {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends patchelf squashfs-tools squashfuse \
        fuse2fs fuse-overlayfs uidmap ca-certificates >/dev/null || die "cannot install what apptainer needs"
    # shellcheck disable=SC2016  # apt fills this in, not the shell
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' |
        grep -v -e '-security' | head -n 1)
    [ -n "$mirror" ] || die "apt knows no mirror of Debian"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $SUITE main" >"$work/list"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    later apt-get update -qq
    (cd "$work/debs" && later apt-get download -qq "apptainer/$SUITE" "libc6/$SUITE" "libseccomp2/$SUITE" \
        "libsqlite3-0/$SUITE") || die "cannot download apptainer from $SUITE"
    for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done

    loader=$(patchelf --print-interpreter "$work/root/usr/bin/apptainer")
    mkdir -p "$LIBRARIES"
    find "$work/root" -name '*.so.*' -path '*/lib*' ! -path '*/gconv/*' -exec cp -L {} "$LIBRARIES" \;
    cp -a "$work/root/etc/apptainer" /etc/
    mkdir -p /var/lib
    cp -a "$work/root/var/lib/apptainer" /var/lib/
    # The program finds this one at the place that was built into it.
    starter=$(cd "$work/root" && find usr/lib* -path '*/apptainer/bin/starter')
    for program in "$starter" usr/bin/apptainer; do
        mkdir -p "/${program%/*}"
        patchelf --set-interpreter "$LIBRARIES/${loader##*/}" --force-rpath --set-rpath "$LIBRARIES" \
            --output "$work/program" "$work/root/$program"
        chmod 755 "$work/program"
        mv "$work/program" "/$program"
    done
    ln -sf apptainer /usr/bin/singularity
}

if runs >/dev/null 2>&1; then
    echo "apptainer-up: apptainer runs containers"
    exit 0
fi
[ "${1:-}" != --check ] || die "apptainer runs no container"
[ "$(id -u)" -eq 0 ] || die "apptainer runs no container, and only root can install it and set it up"
command -v apptainer >/dev/null || install_apptainer
# A root that lacks some of the capabilities cannot give all of them to its containers, as apptainer would do.
capabilities=$((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)))
if [ "$capabilities" -ne $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)) ]; then
    sed -i 's/^root default capabilities = .*/root default capabilities = no/' "$CONF"
fi
problem=$(runs 2>&1) || die "apptainer runs no container: $problem"
echo "apptainer-up: set up $(apptainer --version)"
