#!/bin/sh
# Runs one task as root after setting the machine up for it: sh scripts/as-root.sh TASK [ARG...]
# Everything a task needs is installed and built first; a second run finds it current and goes on.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null 2>&1; then
		# sudo has a PATH of its own, in which a Node from the user's home is not found.
		exec sudo --preserve-env=VWIRE_FFI,VWIRE_N,VWIRE_SEED,VWIRE_TALLY,VWIRE_VM,CI env "PATH=$PATH" sh scripts/as-root.sh "$@"
	fi
	echo "vwire: '$1' needs root (namespaces, BPF) and there is no sudo here: run 'npm run $1' as root" >&2
	exit 6
fi
task=$1
shift
sh scripts/setup.sh "$task"
status=0
node scripts/build.mjs || status=$?
# Built by root, also in part, for the owner of the checkout, who must be able to build again.
[ ! -d dist ] || chown -R --reference=. dist
[ $status -eq 0 ] || exit $status
exec node "scripts/tasks/$(echo "$task" | tr : -).mjs" "$@"
