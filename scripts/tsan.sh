#!/usr/bin/env bash
# Extraction and matching of four rendered photos under ThreadSanitizer (preset tsan). Usage: scripts/tsan.sh
# Ends with "no race" or with TSan's first report. What is not ours is in scripts/tsan.supp, each line with its reason.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_packages "${PACKAGES[@]}" "$SANITIZER_PACKAGE"
configure_preset tsan
ninja -C "$ROOT/build/tsan" colmatch
colmatch="$ROOT/build/tsan/colmatch"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The workers of the program, each with one thread of LibTorch, OpenBLAS and OpenCV (libgomp and TBB are unknown to TSan).
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export TSAN_OPTIONS="suppressions=$ROOT/scripts/tsan.supp ignore_noninstrumented_modules=1 exitcode=66 halt_on_error=1"
"$colmatch" demo_scene --output_path "$folder/scene" --num_images 4 --width 320 --height 240 --num_threads 1
small=(--database_path "$folder/x.db" --weights fast)
"$colmatch" feature_extractor "${small[@]}" --image_path "$folder/scene/images" --num_threads 3 --SuperPoint.max_num_features 200 \
  --trace "$folder/trace.json"
"$colmatch" exhaustive_matcher "${small[@]}" --num_threads 3 --trace "$folder/trace.json"
"$colmatch" rotated_matcher "${small[@]}" --image_path "$folder/scene/images" --num_threads 3 --SuperPoint.max_num_features 200
echo "no race"
