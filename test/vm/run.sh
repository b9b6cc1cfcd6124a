#!/bin/sh
# Runs a command on a test kernel: sh test/vm/run.sh [-t SECONDS] KERNEL COMMAND [ARG...]
# The command sees this machine's files, read-only under an overlay in memory that dies with it, and is
# started in the current directory as root. Descriptor 3, if open, gets in the end what it wrote to
# /dev/report. Status: 0..123 the command's (more is 123), 124 out of time, 125 the VM died or could not
# be started (the reason or its last console lines are on stderr), 2 usage.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cache.sh"
usage() {
	sed -n '2s/^# //p' "$0" >&2
	exit 2
}
seconds=300
if [ "${1:-}" = -t ] && [ $# -ge 2 ]; then
	seconds=$2
	shift 2
fi
[ $# -ge 2 ] || usage
for need in "$1" qemu; do
	[ -e "$cache/$need/" ] || {
		echo "vwire: \"$need\" is not provided yet: sh test/vm/provision.sh $1" >&2
		exit 2
	}
done

(: >&3) 2>/dev/null || exec 3>/dev/null

# Every process, mount and file of the VM lives in namespaces of its own, whose first process dies with
# unshare, which dies with this shell: nothing is left, whoever is killed and however.
setpriv --pdeathsig KILL sh "$here/../sandbox.sh" sh "$here/machine.sh" "$cache" "$seconds" "$@" &
machine=$!
trap 'kill -KILL $machine; exit 143' TERM
trap 'kill -KILL $machine; exit 130' INT
trap 'kill -KILL $machine; exit 129' HUP
status=0
wait $machine || status=$?
exit $status
