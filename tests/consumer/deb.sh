#!/usr/bin/env bash
# Makes the .deb of a build, unpacks it and runs the program that was in it. Usage: deb.sh BUILD. Called by ctest; status 77: skipped.
set -euo pipefail
build="$1"
command -v dpkg-shlibdeps > /dev/null || { echo "skipped: dpkg-shlibdeps is not installed (apt-get install dpkg-dev)"; exit 77; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
unset COLMATCH_WEIGHTS

cpack --config "$build/CPackConfig.cmake" -B "$work" > "$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; exit 1; }
deb="$(echo "$work"/colmatch_*.deb)"
depends="$(dpkg-deb --field "$deb" Depends)"
echo "Depends: $depends"
for package in libopenblas0-pthread libtorch libopencv-imgcodecs libsqlite3-0; do
  case "$depends" in *"$package"*) ;; *) echo "the package does not depend on $package"; exit 1 ;; esac
done
dpkg-deb --extract "$deb" "$work/root"
"$work/root/usr/bin/colmatch" weights info fast | tee "$work/info.log"
grep -q "$work/root/usr/share/colmatch/weights/fast" "$work/info.log" || { echo "the packaged program took other weights"; exit 1; }
