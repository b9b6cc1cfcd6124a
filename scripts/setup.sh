#!/bin/sh
# Installs what is missing for a task: Debian packages (as root), then npm packages.
# sh scripts/setup.sh [TASK...]; what every task needs is always among it. A current machine is left alone.
set -eu
cd "$(dirname "$0")/.."

fail() {
	echo "vwire: $1" >&2
	exit 6
}

# BPF programs; C programs and ffi-napi, which npm compiles; what the tests look at the kernel with.
packages="clang libbpf-dev libbpf1 bpftool
	gcc g++ make python3 libc6-dev
	iproute2 ethtool iputils-ping iputils-arping tcpdump"
for task in "$@"; do
	case "$task" in
	bench) packages="$packages dpdk-dev" ;;
	test:vm) packages="$packages qemu-system-x86 kmod cpio busybox-static zstd lz4 xz-utils" ;;
	check) packages="$packages clang-format-14" ;;
	esac
done

node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
	fail "Node $(node --version) is too old: 20.19 or newer is needed"

missing=""
for package in $packages; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=none
	[ "$status" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
	command -v apt-get >/dev/null 2>&1 ||
		fail "this is no Debian system: install what these Debian packages hold, and run build and tests without setup:$missing"
	[ "$(id -u)" -eq 0 ] ||
		fail "these Debian packages are missing and only root can install them: run 'apt-get install --no-install-recommends$missing' as root"
	echo "vwire: installing Debian packages:$missing" >&2
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 -- a list of package names
	if ! { apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null; }; then
		[ "${VWIRE_VM:-}" = optional ] || fail "apt cannot install them, its own words are above"
		echo "vwire: apt cannot install them, which VWIRE_VM=optional lets pass" >&2
	fi
fi

# npm ci removes node_modules first, so the mark is there only after an install that came to its end.
mark=node_modules/.vwire-lock
want=$(sha256sum package-lock.json | cut -d' ' -f1)
have=$(cat $mark 2>/dev/null) || have=none
if [ "$want" != "$have" ]; then
	echo "vwire: installing npm packages" >&2
	# ffi-napi is compiled against Node's headers; where Node brought its own, nothing is downloaded.
	prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
	[ -f "$prefix/include/node/node.h" ] && export npm_config_nodedir="$prefix"
	npm ci --no-audit --no-fund --loglevel=error </dev/null
	node -e 'require("ffi-napi")' 2>/dev/null ||
		echo "vwire: the optional ffi-napi could not be built and VWIRE_FFI=ffi-napi will not work: 'npm install --no-save @2060.io/ffi-napi' says why" >&2
	printf '%s\n' "$want" >$mark
	# Made by root for the owner of the checkout, who goes on with `npm run check` and `npm run build`.
	[ "$(id -u)" -ne 0 ] || chown -R --reference=. node_modules
fi
