#!/usr/bin/env bash
# How memory grows with a collection: scripts/scale_test.sh OUTPUT [NUMBER OF IMAGES ...], by default 500 and 2000.
# Renders that many small photos (50 a scene), extracts, matches by retrieval, and prints each step's peak memory and
# time, and how often an image's features were read. Numbers and their reading: docs/retrieval.md.
#
# SCENES=4: render no more scenes than so many and repeat their photos. NEIGHBOURS=5: partners of an image.
# THREADS=1. What is in OUTPUT already is not made again; only an empty or missing folder gives times of all steps.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -ge 1 ] || { sed -n '2,7s/^# \?//p' "${BASH_SOURCE[0]}" >&2; exit 1; }
OUTPUT="$1"
shift
SIZES=("$@")
[ ${#SIZES[@]} -gt 0 ] || SIZES=(500 2000)
COLMATCH="$ROOT/build/release/colmatch"
PHOTOS_A_SCENE=50
mkdir -p "$OUTPUT"
OUTPUT="$(cd "$OUTPUT" && pwd)"

# measured LABEL COMMAND...: the command, then a line with its peak memory and time.
measured() {
  python3 - "$@" <<'PYTHON'
import resource, subprocess, sys, time
start = time.time()
status = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{sys.argv[1]}: peak {peak:.0f} MiB, {time.time() - start:.0f} s", flush=True)
sys.exit(status)
PYTHON
}

# photos NUMBER: a folder with so many, links into the rendered scenes.
photos() {
  local number=$1 folder="$OUTPUT/$1/photos" scenes i scene
  scenes=$(((number + PHOTOS_A_SCENE - 1) / PHOTOS_A_SCENE))
  [ "${SCENES:-$scenes}" -ge "$scenes" ] || scenes=$SCENES
  mkdir -p "$folder"
  for ((scene = 0; scene < scenes; ++scene)); do
    [ -d "$OUTPUT/scenes/$scene/gt" ] || "$COLMATCH" demo_scene --output_path "$OUTPUT/scenes/$scene" \
      --num_images $PHOTOS_A_SCENE --width 320 --height 240 --random_seed "$scene" --log_level error
  done
  for ((i = 0; i < number; ++i)); do
    scene=$((i / PHOTOS_A_SCENE % scenes))
    ln -sf "$OUTPUT/scenes/$scene/images/courtyard_$(printf %02d $((i % PHOTOS_A_SCENE))).jpg" \
      "$folder/$(printf %05d "$i").jpg"
  done
}

for number in "${SIZES[@]}"; do
  say "$number images"
  photos "$number"
  common=(--database_path "$OUTPUT/$number/database.db" --weights fast --num_threads "${THREADS:-1}" --progress off)
  measured "$number images, features" "$COLMATCH" feature_extractor "${common[@]}" \
    --image_path "$OUTPUT/$number/photos" --ImageReader.single_camera 1 --SuperPoint.max_num_features 256
  measured "$number images, retrieval and matching" "$COLMATCH" retrieval_matcher "${common[@]}" \
    --RetrievalMatching.num_images "${NEIGHBOURS:-5}"
  echo "$number images, database: $(du -m "$OUTPUT/$number/database.db" | cut -f1) MiB"
done
