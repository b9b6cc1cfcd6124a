#!/bin/sh
# One VM, inside the sandbox run.sh made for it: machine.sh CACHE SECONDS KERNEL COMMAND [ARG...]
# /run is a tmpfs of the sandbox: what is made there needs no removal.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=$1 seconds=$2 kernel=$(readlink -f "$1/$3") qemu=$1/qemu
shift 3
memory=2048M

# Until QEMU runs, a failure is none of the command.
trap 'echo "vwire: the VM could not be prepared" >&2; exit 125' EXIT

# The machine's root, read-only, without the file systems mounted on it, except those that lead to what
# the command needs. The guest's /run is the share: what it starts from, and nothing of this machine's.
share() {
	[ "$1" = / ] || share "$(dirname "$1")"
	if mountpoint -q "$1" && ! mountpoint -q "/run/root$1"; then
		mount --bind "$1" "/run/root$1"
		mount -o remount,bind,ro "/run/root$1"
	fi
}
mkdir -p /run/root /run/share
mount --bind / /run/root
mount -o remount,bind,ro /run/root
for path in "$PWD" "$here" "$cache" "$(command -v node)" /usr /etc "${TMPDIR:-/tmp}"; do
	share "$(readlink -f "$path")"
done
mount --bind /run/share /run/root/run

gcc -O1 -Wall -Wextra -Werror -static -o /run/share/vmexit "$here/vmexit.c"
cp "$here/stage2" /run/share/
printf 'kernel=%s\ndirectory=%s\n' "$kernel" "$PWD" >/run/share/env
bash -c 'printf "%q " "$@"' quote "$@" >/run/share/command
sh "$here/initramfs.sh" "$kernel" /run/initramfs

/usr/lib/qemu/virtiofsd --socket-path=/run/fs -o source=/run/root -o cache=always -o sandbox=chroot 2>/run/virtiofsd.log 3>&- &
until [ -S /run/fs ]; do
	kill -0 $! 2>/dev/null || {
		cat /run/virtiofsd.log >&2
		exit 1
	}
	sleep 0.02
done

# /dev/kvm alone says nothing: a guest of some hypervisors has one that runs only kernels built for it.
if grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then
	accel=kvm
else
	accel=tcg,thread=multi
fi
trap - EXIT
status=0
QEMU_MODULE_DIR=$qemu/usr/lib/x86_64-linux-gnu/qemu timeout -k 5 "$seconds" "$qemu/usr/bin/qemu-system-x86_64" \
	-nodefaults -no-user-config -display none -no-reboot -machine q35 -accel $accel -cpu max -smp 2 -m $memory \
	-object memory-backend-memfd,id=memory,size=$memory,share=on -numa node,memdev=memory \
	-chardev socket,id=root,path=/run/fs -device vhost-user-fs-pci,chardev=root,tag=root,queue-size=1024 \
	-chardev file,id=console,path=/run/console -device isa-serial,index=0,chardev=console \
	-chardev stdio,id=output,signal=off -device isa-serial,index=1,chardev=output \
	-chardev file,id=report,path=/run/report -device isa-serial,index=2,chardev=report \
	-chardev file,id=status,path=/run/status -device isa-serial,index=3,chardev=status \
	-device isa-debug-exit,iobase=0xf4,iosize=0x1 \
	-kernel "$kernel/vmlinux" -initrd /run/initramfs -append "console=ttyS0 quiet panic=-1 rdinit=/init" </dev/null 3>&- || status=$?
cat /run/report >&3

# QEMU's own status cannot carry the command's: it is as well that of a QEMU that was killed.
[ ! -s /run/status ] || exit "$(cat /run/status)"
[ $status -ne 124 ] || exit 124
echo "vwire: the VM died (QEMU's status $status); its last console lines:" >&2
tail -n 25 /run/console >&2
exit 125
