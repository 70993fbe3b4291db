#!/usr/bin/env bash
# Formats all C++ files. With --check: only says which are not formatted, and fails.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install_packages clang-format-14
cd "$ROOT"
mapfile -t files < <(git ls-files '*.h' '*.cc')
if [ "${1:-}" = --check ]; then
  clang-format-14 --dry-run -Werror "${files[@]}"
else
  clang-format-14 -i "${files[@]}"
fi
