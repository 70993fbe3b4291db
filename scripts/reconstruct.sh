#!/usr/bin/env bash
# Photos in, COLMAP reconstruction out. Installs what is missing, builds, matches, runs `colmap mapper`, and writes the
# report. Usage: scripts/reconstruct.sh [PHOTOS] [OUTPUT]
# Without PHOTOS a demo scene is rendered and reconstructed, and compared with its true cameras.
# Options of `colmatch automatic_reconstructor` may follow the two paths.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case "${1:-}" in
  -h | --help) sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
photos="${1:-}"
output="${2:-$ROOT/reconstruction}"
[ $# -ge 2 ] && shift 2 || shift $#
if [ -n "$photos" ] && [ ! -d "$photos" ]; then
  echo "error: $photos is not a folder of photos" >&2
  exit 1
fi

install_packages "${PACKAGES[@]}"
say "building"
configure_preset release -DCOLMATCH_TESTS=OFF
cmake --build "$ROOT/build/release" --target colmatch | tail -n 1
colmatch="$ROOT/build/release/colmatch"

"$ROOT/scripts/fetch_viewer.sh" || echo "three.js is not available: the report will show a still picture of the model"

mkdir -p "$output"
truth=()
if [ -z "$photos" ]; then
  say "rendering the demo scene"
  "$colmatch" demo_scene --output_path "$output/demo"
  photos="$output/demo/images"
  truth=(--truth_path "$output/demo/gt")
fi
say "reconstructing $photos"
exec "$colmatch" automatic_reconstructor --workspace_path "$output" --image_path "$photos" "${truth[@]}" "$@"
