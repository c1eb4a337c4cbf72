#!/bin/sh
# Make recastbridge/NAME:1.0, the image of examples/NAME, without a registry of images: a minimal Debian, the
# [examples] requirements in the versions of constraints.txt, and the analysis in /analysis.
#
#   make-example-image.sh two-lepton|semi-visible-jets
#
# The result is that of examples/NAME/Dockerfile. Nothing is done while the image is up to date.
set -eu
CACHE=${CACHE:-/var/cache/recast-bridge-images}
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
analysis=$(dirname "$repository/examples/${1:?which example?}"/*/__main__.py)
[ -d "$analysis" ] || { echo "make-example-image: examples/$1 has no Python package" >&2; exit 1; }
package=$(basename "$analysis")
NAME=recastbridge/$1:1.0
BASE=recastbridge/$1-base:1
# An interpreter that has pip.
[ -n "${PYTHON:-}" ] || PYTHON=$repository/.venv/bin/python
[ -x "$PYTHON" ] || PYTHON=python3

requirements=$("$PYTHON" -c '
import sys, tomllib
with open(sys.argv[1], "rb") as stream:
    print("\n".join(tomllib.load(stream)["project"]["optional-dependencies"]["examples"] + ["pyyaml"]))
' "$repository/pyproject.toml")
libraries_key=$({
    echo "$requirements"
    cat "$repository/constraints.txt"
} | sha256sum | cut -c1-16)
key=$({
    echo "$libraries_key"
    cat "$0" "$here/make-image.sh"
    find "$analysis" -name '*.pyc' -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cat
} | sha256sum | cut -c1-16)
label='{{index .Config.Labels "recastbridge.key"}}'
if [ "$(docker image inspect --format "$label" "$NAME" 2>/dev/null)" = "$key" ]; then
    echo "make-example-image: $NAME is up to date"
    exit 0
fi

# The system first: its version of Python says which packages are needed.
"$here/make-image.sh" recastbridge/debian:1 debian
version=$(docker run --rm recastbridge/debian:1 python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

mkdir -p "$CACHE"
libraries=$CACHE/libraries-$version-$libraries_key
if [ ! -f "$libraries.complete" ]; then
    rm -rf "$CACHE"/libraries-*
    echo "$requirements" >"$CACHE/requirements.txt"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary=:all: \
        --python-version "$version" --implementation cp --target "$libraries" \
        -c "$repository/constraints.txt" -r "$CACHE/requirements.txt"
    touch "$libraries.complete"
fi

work=$(mktemp -d "$CACHE/example.XXXXXX")
trap 'rm -rf "$work"; docker rm -f "$container" >/dev/null 2>&1 || true' EXIT
container=recast-bridge-example-$$
root=$work/root
mkdir -p "$root/usr/local/lib/python$version" "$root/analysis"
chmod 755 "$work" "$root"
cp -al "$libraries" "$root/usr/local/lib/python$version/dist-packages"
cp -a "$analysis" "$root/analysis/"
find "$root/analysis" -name __pycache__ -prune -exec rm -rf {} +
"$here/make-image.sh" -x "$root" "$BASE" debian
# matplotlib makes a list of fonts when it is first used: once here, not in every job.
docker run --name "$container" -w /analysis -e PYTHONPATH=/analysis -e MPLCONFIGDIR=/analysis/.matplotlib \
    "$BASE" sh -ec 'python3 -c "import matplotlib.font_manager"
        python3 -m compileall -q /usr/local/lib /analysis || true
        python3 -m "$1" --help >/dev/null
        chmod -R a+rwX /analysis/.matplotlib' sh "$package"
docker commit --change 'WORKDIR /analysis' --change 'ENV PYTHONPATH=/analysis' --change 'CMD ["/bin/sh"]' \
    --change 'ENV MPLCONFIGDIR=/analysis/.matplotlib' --change "LABEL recastbridge.key=$key" \
    "$container" "$NAME" >/dev/null
docker rmi "$BASE" >/dev/null 2>&1 || true
echo "make-example-image: $NAME"
