#!/usr/bin/env bash
# Makes the shipped small weights from the default ones: `compact` (the default SuperPoint in 5 bits, a SuperGlue of two layer
# pairs and two narrow heads in as few) and `fast` (a narrow SuperPoint, a SuperGlue of three layer pairs). Each starts from the
# strongest parts of the larger network and follows it. The cards in weights/ say in what stages, and from which default weights, the
# shipped ones were really made. Usage: scripts/train_small.sh PHOTOS RUN
# PHOTOS as for train_default.sh. TEACHER (default: weights/default), VIEWS (files of `colmatch prepare_views`) and PRECISION in the
# environment. Interrupted, the same command goes on where it stopped.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/train_small.sh PHOTOS RUN"
photos="${1:?$usage}" run="${2:?$usage}"
teacher="${TEACHER:-$ROOT/weights/default}" precision="${PRECISION:-auto}"
colmatch="$ROOT/build/release/colmatch"
[ -x "$colmatch" ] || { echo "error: build first: cmake --preset release && cmake --build build/release" >&2; exit 1; }
mkdir -p "$run"

resume() { [ -e "$run/$1/checkpoint.pt" ] && echo --resume || true; }

# narrow NAME ARGUMENTS...: $run/NAME holds networks with fewer channels, not trained yet
narrow() {
  local name="$1"
  shift
  [ -e "$run/$name/superglue.safetensors" ] || "$colmatch" compress prune --method channel --output "$run/$name" "$@"
}

# match NAME STEPS RATE FEATURES SUPERPOINT INITIAL ARGUMENTS...: SuperGlue on these features, following the teacher
match() {
  local name="$1" steps="$2" rate="$3" features="$4" superpoint="$5" initial="$6"
  shift 6
  "$colmatch" train superglue --shards "$run/train.shard" --superpoint "$superpoint" --initial "$initial" \
    --teacher "$teacher/superglue.safetensors" --features "$run/$features.pt" ${VIEWS:+--views $VIEWS} \
    --view_features "$run/$features.views.pt" --output "$run/$name" $(resume "$name") --random_seed 12 --num_steps "$steps" \
    --learning_rate "$rate" --warmup_steps 200 --SuperGlue.views_per_photo 4 --SuperGlue.scenes_per_photo 0.35 \
    --SuperGlue.augmentation 1 --SuperGlue.min_keypoints 256 --SuperGlue.max_keypoints 400 --SuperGlue.deep_supervision 0 \
    --SuperGlue.train_sinkhorn_iterations 10 --precision "$precision" "$@"
}

[ -e "$run/train.shard" ] || "$colmatch" prepare_shards --image_path "$photos" --output "$run/train.shard" --num_warps 1 \
  --set_weight flowers_ccby=0.4 --set_weight aerial_odm=0.6 --set_weight facades=1.5 || [ $? = 2 ]

say "compact: the first and last layer pair, half the heads, then narrower ones, then few bits"
narrow start --network superglue --weights "$teacher" --SuperGlue.num_heads 2 --SuperGlue.mlp_hidden 128 --SuperGlue.layer_pairs 0,5
match superglue 6000 8e-4 features "$teacher/superpoint.safetensors" "$run/start/superglue.safetensors"
narrow narrower --network superglue --SuperGlue.attention_dim 32 \
  --weights "superpoint=$teacher/superpoint.safetensors,superglue=$run/superglue/superglue.safetensors"
match narrow_superglue 2400 5e-4 features "$teacher/superpoint.safetensors" "$run/narrower/superglue.safetensors" \
  --SuperGlue.calibration_recall 1.07
[ -e "$run/compact/superglue.safetensors" ] || "$colmatch" compress quantize --method kmeans --bits 5 --shards "$run/train.shard" \
  --weights "superpoint=$teacher/superpoint.safetensors,superglue=$run/narrow_superglue/superglue.safetensors" \
  --num_steps 500 --teacher_weight 1 --precision "$precision" --output "$run/compact"

say "fast: a narrow SuperPoint, and three layer pairs on its features"
narrow narrow --network superpoint --weights "$teacher" --SuperPoint.encoder_widths 8,16,32,80 --SuperPoint.head_width 80
"$colmatch" train superpoint --shards "$run/train.shard" --initial "$run/narrow/superpoint.safetensors" \
  --teacher "$teacher/superpoint.safetensors" --output "$run/superpoint" $(resume superpoint) --random_seed 44 --num_steps 29000 \
  --learning_rate 1.5e-3 --warmup_steps 100 --SuperPoint.patch_width 224 --SuperPoint.patch_height 160 --SuperPoint.min_region 0.2 \
  --SuperPoint.max_region 0.75 --SuperPoint.difficulty 0.7 --SuperPoint.max_angle 64 --SuperPoint.detector_weight 2 \
  --SuperPoint.curriculum_share 0 --SuperPoint.scales 1,0.7,0.5 --precision "$precision"
narrow fast_start --network superglue --weights "$teacher" --SuperGlue.num_heads 2 --SuperGlue.mlp_hidden 128 --SuperGlue.layer_pairs 0,3,5
match fast_superglue 8000 5e-4 fast_features "$run/superpoint/superpoint.safetensors" "$run/fast_start/superglue.safetensors" \
  --SuperGlue.calibration_recall 1.07
mkdir -p "$run/fast"
"$colmatch" weights export "$run/superpoint/superpoint.safetensors" --type fp16 --output "$run/fast/superpoint.safetensors"
"$colmatch" weights export "$run/fast_superglue/superglue.safetensors" --type fp16 --output "$run/fast/superglue.safetensors"
say "wrote $run/compact and $run/fast"
