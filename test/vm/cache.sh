# shellcheck shell=sh disable=SC2034
# Sourced: where provision.sh keeps kernels and QEMU and where run.sh finds them.
if [ -n "${XDG_CACHE_HOME:-}" ]; then
	cache=$XDG_CACHE_HOME/vwire-vm
elif [ "$(id -u)" -eq 0 ]; then
	cache=/var/cache/vwire-vm
else
	cache=$HOME/.cache/vwire-vm
fi
