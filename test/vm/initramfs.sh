#!/bin/sh
# The initramfs of a test kernel: sh test/vm/initramfs.sh KERNEL-DIRECTORY FILE
# busybox, init and the modules that reach the shared root, in the order they load.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1 file=$2 tree=$2.tree
mkdir -p "$tree/bin" "$tree/modules" "$tree/proc" "$tree/dev" "$tree/lower" "$tree/upper" "$tree/new"
cp "$(command -v busybox)" "$tree/bin/"
cp "$here/init" "$tree/"
for module in virtio_pci virtiofs overlay; do
	modprobe -d "$kernel" -S "$(cat "$kernel/release")" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
	name=$(basename "$path" .xz)
	case $path in
	*.xz) xz -dc "$path" >"$tree/modules/$name" ;;
	*) cp "$path" "$tree/modules/$name" ;;
	esac
	echo "$name"
done >"$file.order"
mv "$file.order" "$tree/modules/order"
chmod +x "$tree/init"
(cd "$tree" && find . | cpio --quiet -o -H newc >"$file")
