#!/usr/bin/env bash
# Trains the default weights from folders of photos. Usage: scripts/train_default.sh PHOTOS RUN
# PHOTOS has one sub-folder a data set. VIEWS in the environment: files of `colmatch prepare_views`, for real pairs too.
# Interrupted, the same command goes on where it stopped.
# The recipe of weights/default (its card says in what stages they were really made, SuperGlue on features of scale 1); more steps make better weights. The small ones
# are made from them: train_small.sh.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/train_default.sh PHOTOS RUN"
photos="${1:?$usage}" run="${2:?$usage}"
colmatch="$ROOT/build/release/colmatch"
[ -x "$colmatch" ] || { echo "error: build first: cmake --preset release && cmake --build build/release" >&2; exit 1; }
mkdir -p "$run"

resume() { [ -e "$run/$1/checkpoint.pt" ] && echo --resume || true; }

# Exit status 2: written, without the photos it named as unreadable.
[ -e "$run/train.shard" ] || "$colmatch" prepare_shards --image_path "$photos" --output "$run/train.shard" \
  --set_weight flowers_ccby=0.4 --set_weight aerial_odm=0.6 --set_weight facades=1.5 || [ $? = 2 ]

"$colmatch" train superpoint --shards "$run/train.shard" --output "$run/superpoint" $(resume superpoint) \
  --random_seed 1 --num_steps 10000 --learning_rate 1.5e-3 --warmup_steps 150 \
  --SuperPoint.encoder_widths 16,32,64,128 --SuperPoint.head_width 128 --SuperPoint.descriptor_dim 128 \
  --SuperPoint.patch_width 224 --SuperPoint.patch_height 160 --SuperPoint.min_region 0.2 --SuperPoint.max_region 0.75 \
  --SuperPoint.difficulty 0.7 --SuperPoint.detector_weight 2 --SuperPoint.scales 1.4,1,0.7,0.5

# match RUN STEPS RATE ARGUMENTS...: SuperGlue on this SuperPoint's features
match() {
  local name="$1" steps="$2" rate="$3"
  shift 3
  "$colmatch" train superglue --shards "$run/train.shard" --superpoint "$run/superpoint/superpoint.safetensors" \
    --output "$run/$name" $(resume "$name") --num_steps "$steps" --learning_rate "$rate" ${VIEWS:+--views $VIEWS} \
    --SuperGlue.keypoint_octaves 8 --SuperGlue.scenes_per_photo 0.35 --SuperGlue.augmentation 1 \
    --SuperGlue.min_keypoints 256 --SuperGlue.deep_supervision 0 --SuperGlue.train_sinkhorn_iterations 10 "$@"
}
match superglue4 8000 4e-4 --random_seed 1 --warmup_steps 100 --SuperGlue.num_layer_pairs 4 --SuperGlue.views_per_photo 4 \
  --SuperGlue.max_keypoints 400
# Two pairs of layers more, larger batches: what a GPU does in five minutes (docs/training.md). Higher rates were not stable.
match superglue6 4700 1.5e-4 --random_seed 12 --initial "$run/superglue4/superglue.safetensors" --warmup_steps 500 --clip_norm 5 \
  --SuperGlue.num_layer_pairs 6 --SuperGlue.batch_size 32 --SuperGlue.views_per_photo 8 --SuperGlue.max_keypoints 512
# On other warps.
match superglue 2450 1e-4 --random_seed 77 --initial "$run/superglue6/superglue.safetensors" --warmup_steps 300 --clip_norm 5 \
  --batches_per_step 4 --SuperGlue.views_per_photo 6 --SuperGlue.max_keypoints 400 \
  --SuperGlue.calibration_recall 1.08 --SuperGlue.sinkhorn_iterations 20 --SuperGlue.guidance_rounds 2
