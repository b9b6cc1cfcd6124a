#!/bin/sh
# Runs one task as root after setting the machine up for it: sh scripts/as-root.sh TASK [ARG...]
# Everything a task needs is installed and built first; a second run finds it current and goes on.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null 2>&1; then
		exec sudo --preserve-env=VWIRE_FFI,VWIRE_N,VWIRE_SEED,CI sh scripts/as-root.sh "$@"
	fi
	echo "vwire: this task needs root (namespaces, BPF) and there is no sudo here: run it as root" >&2
	exit 6
fi
task=$1
shift
sh scripts/setup.sh "$task"
node scripts/build.mjs
exec node "scripts/tasks/$(echo "$task" | tr : -).mjs" "$@"
