#!/usr/bin/env bash
# Formats all C++ files. With --check: only says which are not formatted, and fails.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
if [ -z "$FORMAT_PACKAGE" ]; then
  echo "clang-format-14 is not available on $RELEASE: the format is not checked"
  [ "${1:-}" = --check ] && exit 0 || exit 3
fi
install_packages "$FORMAT_PACKAGE"
cd "$ROOT"
mapfile -t files < <(find util geometry network matcher training database_io evaluation plugin python tests -name '*.h' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh')
if [ "${1:-}" = --check ]; then
  clang-format-14 --dry-run -Werror "${files[@]}"
else
  clang-format-14 -i "${files[@]}"
fi
