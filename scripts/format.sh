#!/usr/bin/env bash
# Formats all C++ files. With --check: only says which are not formatted, and fails.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install_packages clang-format-14
cd "$ROOT"
mapfile -t files < <(find network matcher training database_io evaluation plugin tests -name '*.h' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh')
if [ "${1:-}" = --check ]; then
  clang-format-14 --dry-run -Werror "${files[@]}"
else
  clang-format-14 -i "${files[@]}"
fi
