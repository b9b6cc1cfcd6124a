#!/bin/sh
# Fetches QEMU and test kernels into the cache: sh test/vm/provision.sh [--refresh] [KERNEL...]
# Without a name, the default kernels of kernels.tsv. What the cache holds is used as it is, without
# network; --refresh asks for newer packages. Status 77: this machine cannot have them, and why.
set -eu
cd "$(dirname "$0")"
export LC_ALL=C
. ./cache.sh

cannot() {
	echo "vwire: no test VMs on this machine: $*" >&2
	exit 77
}

refresh=no
if [ "${1:-}" = --refresh ]; then
	refresh=yes
	shift
fi
kernels=$*
[ -n "$kernels" ] || kernels=$(awk '$4 == "default" { print $1 }' kernels.tsv)

[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || cannot "kernels and QEMU are provided for Debian on amd64 only"
for tool in apt-get dpkg-deb depmod modprobe cpio busybox gcc qemu-system-x86_64 xz zstd lz4 /usr/lib/qemu/virtiofsd; do
	command -v "$tool" >/dev/null || cannot "\"$tool\" is missing (sh scripts/setup.sh test:vm installs it)"
done

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9
work=$cache/.work
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

# The mirror this machine's own apt uses for the suite or, where it has none, for its own release:
# a mirror holds every suite, so only the suite is replaced.
mirror_of() {
	for release in "$1" "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")"; do
		site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Release: $release" 'Component: main' | head -n 1)
		[ -z "$site" ] || break
	done
	echo "${site:-http://deb.debian.org/debian}"
}

# Everything else of the machine's apt configuration (proxies, credentials) holds; its sources, lists
# and installed packages are neither read nor changed.
apt_of() {
	suite=$1
	shift
	apt-get -qq -o "Dir::Etc::sourcelist=$work/apt/$suite/sources" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$work/apt/$suite/lists" -o "Dir::Cache=$work/apt/$suite/cache" \
		-o Dir::State::status=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}
cache_of() {
	suite=$1
	shift
	apt-cache -o "Dir::Etc::sourcelist=$work/apt/$suite/sources" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$work/apt/$suite/lists" -o "Dir::Cache=$work/apt/$suite/cache" \
		-o Dir::State::status=/dev/null "$@"
}

open_suite() {
	[ ! -d "$work/apt/$1" ] || return 0
	mkdir -p "$work/apt/$1/lists/partial" "$work/apt/$1/cache/archives/partial"
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	options=
	[ ! -e "$keyring" ] || options="[signed-by=$keyring] "
	# A mirror's address may carry a password.
	(umask 077 && echo "deb $options$(mirror_of "$1") $1 main" >"$work/apt/$1/sources")
	apt_of "$1" update --error-on=any >&2 || cannot "apt cannot read suite \"$1\""
}

# unpack SUITE DIRECTORY PACKAGE...
unpack() {
	suite=$1 into=$2
	shift 2
	mkdir -p "$work/deb" "$into"
	(cd "$work/deb" && apt_of "$suite" download "$@" >&2) || cannot "apt cannot fetch $*"
	for deb in "$work"/deb/*.deb; do
		dpkg-deb -x "$deb" "$into"
	done
	rm -r "$work/deb"
}

version_of() { cache_of "$1" show --no-all-versions "$2" | sed -n 's/^Version: //p'; }

# A name in the cache is a link to the directory of one version. The directory is moved into place when
# it is complete, so what exists is whole.
current() { [ "$refresh" = no ] && [ -e "$cache/$1/" ]; }
have() { [ -d "$cache/versions/$1" ]; }
keep() {
	mkdir -p "$cache/versions"
	mv "$work/new" "$cache/versions/$1"
}

# QEMU before 10 is not used: the multi-threaded code generator of 7.2 kills half the boots of 6.12.
qemu() {
	! current qemu || return 0
	suite=bookworm-backports
	open_suite $suite
	version=$(version_of $suite qemu-system-x86)
	key=qemu-${version#*:}
	if ! have "$key"; then
		echo "vwire: fetching QEMU $version" >&2
		unpack $suite "$work/new" qemu-system-x86 qemu-system-common qemu-system-data
		QEMU_MODULE_DIR=$work/new/usr/lib/x86_64-linux-gnu/qemu "$work/new/usr/bin/qemu-system-x86_64" --version >/dev/null ||
			cannot "QEMU $version does not start with this machine's libraries"
		keep "$key"
	fi
	ln -sfn "versions/$key" "$cache/qemu"
}

kernel() {
	! current "$1" || return 0
	suite=$(awk -v name="$1" '$1 == name { print $2 }' kernels.tsv)
	meta=$(awk -v name="$1" '$1 == name { print $3 }' kernels.tsv)
	open_suite "$suite"
	image=$(cache_of "$suite" depends "$meta" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$image" ] || cannot "\"$meta\" of \"$suite\" names no kernel image"
	key="$image-$(version_of "$suite" "$image")"
	if ! have "$key"; then
		echo "vwire: fetching kernel $1 ($image)" >&2
		unpack "$suite" "$work/new" "$image"
		release=${image#linux-image-}
		depmod -b "$work/new" "$release"
		sh vmlinux.sh "$work/new/boot/vmlinuz-$release" "$work/new/vmlinux"
		echo "$release" >"$work/new/release"
		keep "$key"
	fi
	ln -sfn "versions/$key" "$cache/$1"
}

for name in $kernels; do
	grep -q "^$name	" kernels.tsv || {
		echo "vwire: no kernel \"$name\" in test/vm/kernels.tsv" >&2
		exit 2
	}
done
qemu
for name in $kernels; do
	kernel "$name"
done
