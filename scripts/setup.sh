#!/bin/sh
# Installs what is missing for a task, as root: Debian packages, then npm packages.
# sh scripts/setup.sh [TASK]; without one, what every task needs. A current machine is left alone.
set -eu
cd "$(dirname "$0")/.."

base="clang libbpf-dev libbpf1 bpftool libc6-dev gcc iproute2 ethtool iputils-ping iputils-arping tcpdump"
case "${1:-}" in
bench) extra="dpdk-dev" ;;
test:vm) extra="qemu-system-x86 kmod cpio busybox-static zstd lz4 xz-utils" ;;
check) extra="clang-format-14" ;;
*) extra="" ;;
esac

missing=""
for package in $base $extra; do
	dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "vwire: these Debian packages are missing and only root can install them:$missing" >&2
		exit 6
	fi
	echo "vwire: installing$missing" >&2
	apt-get update -qq
	# shellcheck disable=SC2086 -- a list of package names
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

want=$(sha256sum package-lock.json | cut -d' ' -f1)
have=$(cat node_modules/.vwire-lock 2>/dev/null || true)
if [ "$want" != "$have" ]; then
	echo "vwire: installing npm packages" >&2
	npm ci --no-audit --no-fund --loglevel=error
	printf '%s\n' "$want" >node_modules/.vwire-lock
fi
