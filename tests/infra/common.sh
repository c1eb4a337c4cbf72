# shellcheck shell=sh
# What the scripts of the batch systems share. They read it with `.` and are called as root on Debian.
script=${0##*/}
script=${script%.sh}

die() {
    echo "$script: $*" >&2
    exit 1
}

install_packages() { # PACKAGE...: without starting a service, and never two at the same time
    (
        flock 9
        # A package would start its service by itself, where there is no service manager.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
            trap 'rm -f "$policy"' EXIT
        fi
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    ) 9>/run/lock/recast-bridge-apt || die "cannot install $*"
}

# Jobs are those of an ordinary user: some batch systems take none of root. As the packages, the user stays.
make_user() {
    JOB_USER=${JOB_USER:-recast}
    # As udev would do it. Apptainer mounts an image with it, and would otherwise do so for root only.
    [ ! -c /dev/fuse ] || chmod 666 /dev/fuse
    (
        flock 9
        if id "$JOB_USER" >/dev/null 2>&1; then exit 0; fi
        useradd --no-create-home --home-dir "/home/$JOB_USER" --shell /bin/bash "$JOB_USER" &&
            install -d -m 755 -o "$JOB_USER" -g "$JOB_USER" "/home/$JOB_USER"
    ) 9>/run/lock/recast-bridge-user || die "cannot make the user $JOB_USER"
}

await() { # SECONDS COMMAND...: until it succeeds
    deadline=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# An ended process that nobody has waited for yet is still listed in /proc, but has no command line.
alive() { [ -n "$({ tr -d '\0' <"/proc/$1/cmdline"; } 2>/dev/null || true)" ]; }
ended() { ! alive "$1"; }

runs() { # PIDFILE PROGRAM: the process is there, and its number has not passed to another program
    [ -s "$1" ] || return 1
    alive "$(cat "$1")" || return 1
    case $(cat "/proc/$(cat "$1")/comm" 2>/dev/null) in "$2"*) ;; *) return 1 ;; esac
}

stop() { # PIDFILE PROGRAM: and wait for its end
    if runs "$1" "$2"; then
        pid=$(cat "$1")
        kill "$pid" 2>/dev/null || true
        await 30 ended "$pid" || kill -KILL "$pid"
    fi
    rm -f "$1"
}
