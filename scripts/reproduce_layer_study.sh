#!/usr/bin/env bash
# The first seed's study: how deep does SuperGlue have to be? Trains depths 9, 7, 5, 3, 2 and 1 (its configs 0 to 5) under one
# budget and compares them. Usage: scripts/reproduce_layer_study.sh PHOTOS HELD_OUT OUTPUT
#   PHOTOS    has one sub-folder a domain; one of them (LEFT_OUT) is left out of training and is the second test
#   HELD_OUT  photos of the trained domains that are not in PHOTOS: the first test
# STEPS, SEEDS, DEPTHS, KEYPOINTS, LEFT_OUT, THREADS, SUPERPOINT (the features) and COLMATCH (the program) in the environment change
# it. Interrupted, the same command goes on.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/reproduce_layer_study.sh PHOTOS HELD_OUT OUTPUT"
photos="${1:?$usage}" held_out="${2:?$usage}" out="${3:?$usage}"
steps="${STEPS:-640}" seeds="${SEEDS:-1 2}" depths="${DEPTHS:-9 7 5 3 2 1}" keypoints="${KEYPOINTS:-192}" left_out="${LEFT_OUT:-facades}"
threads="${THREADS:--1}" colmatch="${COLMATCH:-$ROOT/build/release/colmatch}"
superpoint="${SUPERPOINT:-$ROOT/weights/fast/superpoint.safetensors}" # narrow: depth is the question, not width
[ -x "$colmatch" ] || { echo "error: build first: cmake --preset release && cmake --build build/release" >&2; exit 1; }
[ -d "$photos/$left_out" ] || { echo "error: $photos has no domain $left_out to leave out; set LEFT_OUT" >&2; exit 1; }
mkdir -p "$out"

# shard FOLDER NAME: the photos of a folder; their keypoint labels are not used here. Status 2: without unreadable ones.
shard() {
  [ -e "$out/$2.shard" ] || "$colmatch" prepare_shards --image_path "$1" --output "$out/$2.shard" --num_warps 1 || [ $? = 2 ]
}
shard "$held_out" held_out
shards=()
for domain in "$photos"/*/; do
  name="$(basename "$domain")"
  shard "$domain" "$name"
  [ "$name" = "$left_out" ] || shards+=("$out/$name.shard")
done

runs=()
for seed in $seeds; do
  for depth in $depths; do
    run="$out/depth${depth}_seed$seed"
    runs+=("$run")
    [ -e "$run/superglue.safetensors" ] && continue
    say "depth $depth, seed $seed"
    resume=()
    [ -e "$run/checkpoint.pt" ] && resume=(--resume)
    "$colmatch" train superglue --shards "${shards[@]}" --superpoint "$superpoint" --features "$out/features_seed$seed.pt" \
      --output "$run" "${resume[@]}" --random_seed "$seed" --num_threads "$threads" --num_steps "$steps" --learning_rate 4e-4 --warmup_steps 50 \
      --log_every 25 --validate_every $((steps / 8)) --checkpoint_every 100 --SuperGlue.num_layer_pairs "$depth" \
      --SuperGlue.views_per_photo 2 --SuperGlue.scenes_per_photo 0 --SuperGlue.negative_share 0 --SuperGlue.batch_size 8 \
      --SuperGlue.min_keypoints "$keypoints" --SuperGlue.max_keypoints "$keypoints" --SuperGlue.deep_supervision 0 \
      --SuperGlue.train_sinkhorn_iterations 10
  done
done

"$colmatch" layer_study "${runs[@]}" --num_threads "$threads" --superpoint "$superpoint" --shards "${shards[@]}" --num_keypoints "$keypoints" \
  --test held_out="$out/held_out.shard" --test "$left_out=$out/$left_out.shard" --output "$out/study"
