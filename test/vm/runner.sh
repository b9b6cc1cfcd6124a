#!/bin/sh
# Proves what run.sh promises, on one provided kernel, as root: sh test/vm/runner.sh [KERNEL]
# Every kind of end has its status, and none leaves a process or a file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=${1:-6.1}
TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
# Every process of a VM inherits this, in whichever namespace it is.
VWIRE_VM_MARK=$$-$(date +%s)
export TMPDIR VWIRE_VM_MARK
failed=0

say() { # OK NAME
	echo "$1 $2"
	[ "$1" = ok ] || failed=1
}
ours() { # the names of the processes that have the mark
	for environ in /proc/[0-9]*/environ; do
		pid=${environ#/proc/}
		pid=${pid%/environ}
		{ tr '\0' '\n' <"$environ" | grep -qx "VWIRE_VM_MARK=$VWIRE_VM_MARK" && cat "/proc/$pid/comm"; } 2>/dev/null || true
	done
}
clean() { # NAME
	tries=0
	while ours | grep -qE '^(qemu|virtiofsd|unshare|timeout)' && [ $tries -lt 50 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	left="$(ls -A "$TMPDIR") $([ $tries -lt 50 ] || ours | tr '\n' ' ')"
	if [ "$left" = " " ]; then say ok "$1: nothing is left"; else say FAILED "$1: left: $left"; fi
}
ends() { # STATUS NAME [-t SECONDS] COMMAND...
	want=$1 name=$2 options=
	shift 2
	if [ "$1" = -t ]; then
		options="-t $2"
		shift 2
	fi
	status=0
	# shellcheck disable=SC2086 # an option and its value
	sh "$here/run.sh" $options "$kernel" "$@" >/dev/null 2>&1 || status=$?
	if [ $status -eq "$want" ]; then say ok "$name: $status"; else say FAILED "$name: $status, not $want"; fi
	clean "$name"
}
killed() { # SIGNAL
	mkfifo "$TMPDIR/ready"
	sh "$here/run.sh" "$kernel" sh -c 'echo up; sleep 1000' >"$TMPDIR/ready" 2>/dev/null &
	runner=$!
	read -r up <"$TMPDIR/ready"
	rm "$TMPDIR/ready"
	kill -"$1" $runner
	wait $runner 2>/dev/null || true
	[ "$up" = up ] || say FAILED "the VM did not come up"
	clean "killed by SIG$1"
}

ends 0 "a command that succeeds" true
ends 7 "a command that fails" sh -c 'exit 7'
ends 123 "a status above 123" sh -c 'exit 200'
ends 0 "arguments come through" sh -c '[ "$1" = "a  \"b\" \$c" ]' sh 'a  "b" $c'
ends 0 "a file it writes" sh -c 'echo guest >"$1"' sh "$TMPDIR/written"
ends 124 "out of time" -t 8 sleep 1000
ends 125 "a kernel that panics" sh -c 'echo c >/proc/sysrq-trigger'
killed TERM
killed KILL
exit $failed
