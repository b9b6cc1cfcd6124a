#!/bin/sh
# Takes the ELF kernel out of a bzImage: sh test/vm/vmlinux.sh BZIMAGE VMLINUX
# QEMU starts an ELF kernel at its PVH entry, which spares the emulated CPU the decompression.
set -eu
image=$1 vmlinux=$2

number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }

# Setup header of the x86 boot protocol: setup_sects, payload_offset, payload_length.
start=$((($(number "$image" 497 1) + 1) * 512 + $(number "$image" 584 4)))
length=$(number "$image" 588 4)
# The kernel's build appends the unpacked size, which the decompressors do not know.
size=$(number "$image" $((start + length - 4)) 4)

case $(od -An -t x1 -j "$start" -N 4 "$image" | tr -d ' ') in
fd377a58) unpack="xz -dc" ;;
28b52ffd) unpack="zstd -dc" ;;
02214c18) unpack="lz4 -dc" ;;
*)
	echo "vwire: \"$image\" is compressed in a way that is not known here" >&2
	exit 1
	;;
esac
tail -c "+$((start + 1))" "$image" | head -c $((length - 4)) | $unpack >"$vmlinux"
if [ "$(stat -c %s "$vmlinux")" -ne "$size" ]; then
	echo "vwire: \"$image\" unpacks to $(stat -c %s "$vmlinux") bytes, its header says $size" >&2
	exit 1
fi
