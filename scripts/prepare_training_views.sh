#!/usr/bin/env bash
# Reconstructs collections that SuperGlue may learn from, and makes views of them for `colmatch train superglue --views`: pairs of
# real photos with parallax. Usage: scripts/prepare_training_views.sh OUTPUT FOLDER...
#   FOLDER  photos of one scene; OUTPUT/NAME.views is made of each that reconstructs. Interrupted, the same command goes on.
# The scenes of weights/default: scripts/training_scenes.sh TRAIN_PHOTOS SFM OUTPUT makes the folders.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/prepare_training_views.sh OUTPUT FOLDER..."
out="${1:?$usage}" && shift
[ $# -gt 0 ] || { echo "$usage" >&2; exit 1; }
colmatch="${COLMATCH:-$ROOT/build/release/colmatch}"
[ -x "$colmatch" ] || { echo "error: build first: cmake --preset release && cmake --build build/release" >&2; exit 1; }
mkdir -p "$out"

for folder in "$@"; do
  name="$(basename "$folder")"
  [ -e "$out/$name.views" ] && continue
  # Exit status 2: some photos, or all, are in no model.
  "$colmatch" automatic_reconstructor --workspace_path "$out/$name" --image_path "$folder" > "$out/$name.log" 2>&1 || [ $? = 2 ]
  if [ -d "$out/$name/sparse/0" ]; then
    "$colmatch" prepare_views --image_path "$folder" --input_path "$out/$name/sparse/0" --output "$out/$name.views"
  else
    echo "$name: does not reconstruct, left out"
  fi
done
