#!/usr/bin/env bash
# Folders of links to the photos of one scene each, out of ../shared/data: what SuperGlue's real pairs come from.
# Usage: scripts/training_scenes.sh TRAIN SFM OUTPUT
# Herz-Jesus-P8, entry-P10, british_museum10, lund, skull and banana are for evaluation and never among them.
set -euo pipefail
usage="usage: scripts/training_scenes.sh TRAIN SFM OUTPUT"
train="$(realpath "${1:?$usage}")" sfm="$(realpath "${2:?$usage}")" out="${3:?$usage}"

scene() {  # scene NAME PHOTO...
  mkdir -p "$out/$1"
  ln -sf "${@:2}" "$out/$1/"
}
boofcv="$train/boofcv/example"
for name in turkey skull rockview rock_leaves pebbles chicken books bobcats triflowers; do
  scene "triple_$name" "$boofcv"_triple_"$name"_*.jpg
done
for name in wall01 sundial01 stones01 lantern01 garden01 garden02 chair01 chair02; do
  scene "stereo_$name" "$boofcv"_stereo_"$name"_{left,right}.jpg
done
scene mono_wall "$boofcv"_stereo_mono_wall_*.jpg
scene cyto "$boofcv"_structure_*dist_cyto_*.jpg
for name in boof_chair caliterra; do
  scene "$name" "$sfm/$name"/images/*
done
