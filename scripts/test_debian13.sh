#!/usr/bin/env bash
# Makes a Debian 13 in a folder and runs scripts/test_python.sh in it: `pip install .`, the package's tests, the notebook.
# Optional: it takes 5 GB and compiles everything once more; needs root and Debian's archive.
# Usage: scripts/test_debian13.sh [FOLDER]   (default: build/debian13; what is there is used again)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder="${1:-$ROOT/build/debian13}"
[ "$(id -u)" = 0 ] || { echo "error: only root can enter another system's folder; run it with sudo" >&2; exit 1; }

install_packages mmdebstrap
if [ ! -x "$folder/usr/bin/apt-get" ]; then
  say "making a Debian 13 in $folder"
  rm -rf "$folder"
  mmdebstrap --quiet --variant=apt --include=ca-certificates trixie "$folder"
fi
cp -L /etc/resolv.conf "$folder/etc/resolv.conf"
# The host's certificates: its network may have some of its own.
cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"

say "copying the sources"
mkdir -p "$folder/work/main"
(cd "$ROOT" && git ls-files -z --cached --others --exclude-standard | tar -c --null -T - --ignore-failed-read) |
  tar -x -C "$folder/work/main"

# In a mount namespace of its own: what is mounted is gone with it.
say "in the Debian 13: scripts/test_python.sh"
unshare --mount bash -euc '
  mount --make-rprivate /
  mount -t proc proc "$0/proc"
  mount --rbind /dev "$0/dev"
  if [ -d "$1/../shared" ]; then mkdir -p "$0/work/shared" && mount --bind "$1/../shared" "$0/work/shared"; fi
  exec chroot "$0" /bin/bash /work/main/scripts/test_python.sh' "$folder" "$ROOT"
