#!/usr/bin/env bash
# Runs clang-tidy with the checked-in .clang-tidy, any warning is a fault. Usage: scripts/tidy.sh [FILE.cc...]
# Without arguments: the rooms without LibTorch that read files from outside and choose pairs, 3 to 5 s a file. Files of
# other rooms take half a minute each: name those that you changed. The build folder `release` must be configured.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
case "$RELEASE" in
  debian-12) ;;
  *) echo "clang-tidy 14 is not available on $RELEASE: not run"; exit 0 ;;
esac
install_packages clang-tidy-14
cd "$ROOT"
files=("$@")
if [ ${#files[@]} = 0 ]; then
  files=(util/*.cc network/formats/*.cc plugin/pairs/*.cc)
fi
mapfile -t files < <(printf '%s\n' "${files[@]}" | sort -u)
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-14 -p build/release --quiet --warnings-as-errors='*' 2> >(grep -v ' warnings generated\|^Suppressed\|^Use -header' >&2)
echo "clang-tidy: ${#files[@]} files without a warning"
