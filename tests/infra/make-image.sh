#!/bin/sh
# Make a local image without a registry, on Debian, as root.
#
#   make-image.sh [-c CHANGE]... [-x DIR] [-p PACKAGES] NAME:TAG busybox|debian
#
#   busybox      one static program with all its names, 2 MB; bash is its sh
#   debian       the minimal system and python3, from the distribution's packages
#   -c CHANGE    an instruction for the image, as in a Dockerfile: -c 'WORKDIR /data' -c 'USER 1000'
#   -x DIR       what DIR contains is added to the root directory
#   -p PACKAGES  more packages of Debian, separated by commas
#
# The Debian system is kept in CACHE and used again. ENGINE is docker or podman.
set -eu
CACHE=${CACHE:-/var/cache/recast-bridge-images}
ENGINE=${ENGINE:-docker}
die() { echo "make-image: $*" >&2; exit 1; }
install_packages() {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

mkdir -p "$CACHE"
work=$(mktemp -d "$CACHE/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -m 755 "$work/root" "$work/extra"
extra=$work/extra
packages=python3
: >"$work/changes"
while getopts c:x:p: option; do
    case $option in
    c)
        echo "$OPTARG" >>"$work/changes"
        # A build would make the directory too.
        case $OPTARG in "WORKDIR "*) mkdir -p "$work/extra/${OPTARG#WORKDIR }" ;; esac
        ;;
    x) extra=$OPTARG ;;
    p) packages=$packages,$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 2 ] || die "a name and a kind are needed"
name=$1 kind=$2

case $kind in
busybox)
    busybox=$(command -v busybox) || { install_packages busybox-static; busybox=$(command -v busybox); }
    root=$work/root
    mkdir -p "$root/bin" "$root/etc" "$root/root" "$root/usr/bin"
    mkdir -m 1777 "$root/tmp"
    cp "$busybox" "$root/bin/busybox"
    for applet in $("$busybox" --list) sh; do
        [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
    done
    # busybox looks at the name that it is called by, and does not know this one.
    printf '#!/bin/sh\nexec /bin/sh "$@"\n' >"$root/bin/bash"
    chmod 755 "$root/bin/bash"
    ln -s ../../bin/env "$root/usr/bin/env"
    printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"
    ;;
debian)
    command -v debootstrap >/dev/null || install_packages debootstrap
    # shellcheck disable=SC2016  # apt fills these in, not the shell
    source=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Origin: Debian' \
        'Component: main' | grep -v -e '-updates' -e '-security' | head -n 1)
    [ -n "$source" ] || die "apt knows no mirror of Debian"
    mirror=${source% *} suite=${source#* }
    root=$CACHE/$suite-$(echo "$packages" | cksum | cut -d' ' -f1)
    if [ ! -f "$root.complete" ]; then
        rm -rf "$root"
        debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
            die "debootstrap failed; its log is $root.log"
        rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* \
            "$root"/usr/share/doc/* "$root"/usr/share/locale/* "${root:?}"/dev/*
        : >"$root/etc/apt/sources.list"
        touch "$root.complete"
    fi
    ;;
*) die "no such kind: $kind" ;;
esac

set -- --change 'CMD ["/bin/sh"]' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
while IFS= read -r change; do set -- "$@" --change "$change"; done <"$work/changes"
# Links cost no time. What is kept is never written through them: a file in the way is removed first.
mkdir -m 755 "$work/all"
cp -al "$root/." "$work/all/"
for more in "$work/extra" "$extra"; do cp -a --remove-destination "$more/." "$work/all/"; done
old=$("$ENGINE" image inspect --format '{{.Id}}' "$name" 2>/dev/null || true)
tar -c --owner=0 --group=0 -C "$work/all" . |
    "$ENGINE" import "$@" - "$name" >/dev/null
# What the name meant before is of no use without a name.
[ -z "$old" ] || "$ENGINE" rmi "$old" >/dev/null 2>&1 || true
echo "make-image: $name"
