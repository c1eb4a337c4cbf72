#!/bin/sh
# Says in one word how a job of Grid Engine is: running, success or failed. Its number is the argument.
LC_ALL=C
export LC_ALL
if said=$(qstat -j "$1" 2>&1); then
    case $said in
    # It stays in the queue like this (Eqw) until somebody removes it.
    *'error reason'*) echo failed ;;
    *) echo running ;;
    esac
    exit
fi
case $said in
*'do not exist'*) ;;
# The batch system does not answer.
*) echo running && exit ;;
esac
# It has ended; the account of it comes a little later.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    if said=$(qacct -j "$1" 2>/dev/null); then
        echo "$said" | awk '
            $1 == "failed" { failed = $2 }
            $1 == "exit_status" { status = $2 }
            END { print failed == 0 && status == 0 ? "success" : "failed" }'
        exit
    fi
    sleep 1
done
# Where qacct knows nothing: of a shell rule the executor knows better, because the job has told it.
echo failed
