#!/bin/sh
# Stop the Docker engine that docker-up.sh started, and no other.
set -eu
MARK=${MARK:-/run/recast-bridge-dockerd.pid}
[ -f "$MARK" ] || exit 0
pid=$(cat "$MARK")
rm -f "$MARK"
case $(cat "/proc/$pid/comm" 2>/dev/null) in dockerd) ;; *) exit 0 ;; esac
kill "$pid" 2>/dev/null || exit 0
tries=60
# An ended process that nobody has waited for yet is still listed in /proc, but has no command line.
while [ -n "$({ tr -d '\0' <"/proc/$pid/cmdline"; } 2>/dev/null || true)" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { kill -KILL "$pid"; break; }
    sleep 0.5
done
echo "docker-down: stopped"
