#!/usr/bin/env bash
# Runs clang-tidy with the checked-in .clang-tidy, any warning is a fault. Usage: scripts/tidy.sh [FILE.cc...]
# Without arguments: the .cc files that differ from origin/main, at most 20 of them, and rooms that need no LibTorch,
# which take 5 s a file. The build folder `release` must be configured.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
case "$RELEASE" in
  debian-12) ;;
  *) echo "clang-tidy 14 is not available on $RELEASE: not run"; exit 0 ;;
esac
install_packages clang-tidy-14
cd "$ROOT"
files=("$@")
if [ ${#files[@]} = 0 ]; then
  base="$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD~1 2>/dev/null || echo HEAD)"
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- '*.cc' ':!tests' ':!python' | head -20)
  files+=(util/*.cc network/formats/*.cc plugin/pairs/*.cc)
fi
mapfile -t files < <(printf '%s\n' "${files[@]}" | sort -u)
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-14 -p build/release --quiet --warnings-as-errors='*' 2> >(grep -v ' warnings generated\|^Suppressed\|^Use -header' >&2)
echo "clang-tidy: ${#files[@]} files without a warning"
