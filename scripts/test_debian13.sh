#!/usr/bin/env bash
# Makes a Debian 13 in a folder and runs in it README's two commands, scripts/reconstruct.sh and scripts/test.sh, and
# scripts/test_python.sh: `pip install .`, the package's tests, the notebook. Says how long each took.
# Optional: it takes 7 GB and compiles everything three times; needs root and Debian's archive.
# CMAKE_BUILD_PARALLEL_LEVEL=N limits the compilers that run at once.
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

# In a mount namespace of its own: what is mounted is gone with it. Nothing of this system's environment is there.
inside() {
  unshare --mount bash -euc '
    mount --make-rprivate /
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    if [ -d "$1/../shared" ]; then mkdir -p "$0/work/shared" && mount --bind "$1/../shared" "$0/work/shared"; fi
    exec chroot "$0" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      PIP_CERT=/etc/ssl/certs/ca-certificates.crt ${CMAKE_BUILD_PARALLEL_LEVEL:+CMAKE_BUILD_PARALLEL_LEVEL=$CMAKE_BUILD_PARALLEL_LEVEL} \
      /bin/bash -c "cd /work/main && $2"' "$folder" "$ROOT" "$1"
}

failed=()
for command in scripts/reconstruct.sh scripts/test.sh scripts/test_python.sh; do
  say "in the Debian 13: $command"
  begin=$SECONDS
  inside "$command" || failed+=("$command")
  echo "$command took $((SECONDS - begin)) s"
done
say "the folder has $(du -sxh "$folder" | cut -f1)"
[ ${#failed[@]} = 0 ] || { echo "error: failed in the Debian 13: ${failed[*]}" >&2; exit 1; }
