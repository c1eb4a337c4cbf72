#!/bin/sh
# Give an image of the Docker engine to Podman and Apptainer, without a registry.
#
#   share-image.sh NAME:TAG DIR [podman|apptainer]...
#
# Podman knows it by the same name afterwards, with docker.io/ before it or without. Apptainer gets a file in DIR,
# named as the image with _ for / and : as in DIR/recastbridge_busybox_1.sif. What is up to date stays as it is.
# Without a runtime, those of the two that are installed get it. For each, what `container:` of a Snakefile has to
# say is printed.
set -eu
die() { echo "share-image: $*" >&2; exit 1; }
[ $# -ge 2 ] || die "the name of an image and a folder are needed"
name=$1 folder=$2
shift 2
if [ $# -eq 0 ]; then
    for program in podman apptainer; do
        if command -v "$program" >/dev/null; then set -- "$@" "$program"; fi
    done
fi
id=$(docker image inspect --format '{{.Id}}' "$name" 2>/dev/null) || die "docker has no image $name"

podman_id() { podman image inspect --format '{{.Id}}' "$1" 2>/dev/null || true; }

give_podman() {
    old=$(podman_id "$name")
    # Docker leaves out that a name is one of Docker Hub; what podman is given without a host, it says to be its own.
    short=${name#docker.io/}
    full=docker.io/$short own=localhost/$short
    case $short in */*) host=${short%%/*} ;; *) host='' full=docker.io/library/$short ;; esac
    case $host in localhost | *.* | *:*) full=$name own=$name ;; esac
    if [ "sha256:$old" = "$id" ] && [ "$(podman_id "$full")" = "$old" ]; then return; fi
    docker save "$name" | podman load -q >/dev/null || die "podman does not take $name"
    if [ "$own" != "$full" ]; then
        podman tag "$own" "$full"
        podman untag "$own" "$own"
    fi
    # What the name meant before is of no use without a name.
    if [ -n "$old" ] && [ "$(podman image inspect --format '{{len .RepoTags}}' "$old")" = 0 ]; then
        podman rmi "$old" >/dev/null 2>&1 || true
    fi
}

give_apptainer() {
    if [ -f "$file" ] && [ "$(cat "$file.id" 2>/dev/null)" = "$id" ]; then return; fi
    mkdir -p "$folder"
    new=$(mktemp "$folder/.share-image.XXXXXX")
    trap 'rm -f "$new"' EXIT
    apptainer --quiet build --disable-cache --force "$new" "docker-daemon:$name" || die "apptainer does not take $name"
    chmod 755 "$new"
    rm -f "$file.id"
    mv "$new" "$file"
    echo "$id" >"$file.id"
}

file=$folder/$(echo "$name" | tr /: __).sif
for runtime in "$@"; do
    case $runtime in
    podman)
        give_podman
        echo "docker://$name"
        ;;
    apptainer)
        give_apptainer
        echo "$file"
        ;;
    *) die "no such runtime: $runtime" ;;
    esac
done
