#!/usr/bin/env bash
# Installs a build into an empty folder, runs the installed program, builds and runs the consumer on the installed libraries.
# Usage: run.sh BUILD COMPILER TORCH_DIR. Called by ctest.
set -euo pipefail
build="$1" compiler="$2" torch="$3" here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
unset COLMATCH_WEIGHTS

cmake --install "$build" --prefix "$work/usr" > "$work/install.log" || { cat "$work/install.log"; exit 1; }
"$work/usr/bin/colmatch" weights info default | tee "$work/info.log"
grep -q "$work/usr/share/colmatch/weights/default" "$work/info.log" || { echo "the installed program took other weights"; exit 1; }
for file in share/man/man1/colmatch.1 share/man/man1/colmatch-match.1 share/bash-completion/completions/colmatch \
  share/zsh/vendor-completions/_colmatch share/doc/colmatch/copyright; do
  [ -s "$work/usr/$file" ] || { echo "$file was not installed"; exit 1; }
done

# Links between the installed pages hold, those of the web and within a page left aside.
docs="$work/usr/share/doc/colmatch"
[ -s "$docs/docs/colmap_options.md" ] || { echo "docs/ was not installed"; exit 1; }
broken=0
while read -r page; do
  while read -r link; do
    [ -e "$(dirname "$page")/$link" ] || { echo "${page#"$docs"/}: $link leads nowhere"; broken=1; }
  done < <(grep -oE '\]\([^)#: ]*[)#]' "$page" | sed 's/^](//; s/.$//' | grep -v '^$' | sort -u)
done < <(find "$docs" -name '*.md')
[ "$broken" = 0 ] || exit 1

cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/usr" -DTorch_DIR="$torch" > "$work/configure.log" || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build"
"$work/build/consumer"
