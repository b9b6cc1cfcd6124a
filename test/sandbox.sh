#!/bin/sh
# Runs a command as root in namespaces of its own: network, mounts, processes, a private /run and bpffs.
# Nothing it does reaches a device of the machine, and nothing outlives it: --kill-child takes every
# process along, and namespaces, bpffs and their pins go with the last of them.
set -eu
# shellcheck disable=SC2016 -- expanded by the inner shell
exec unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private sh -ec '
	mount -t tmpfs tmpfs /run
	mkdir -p /run/netns
	mount -t bpf bpf /sys/fs/bpf
	ip link set lo up
	exec "$@"
' sandbox "$@"
