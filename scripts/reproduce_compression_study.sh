#!/usr/bin/env bash
# The second seed's study: what pruning and quantization cost and what they give. Makes every variant of some weights, measures it
# by the homography protocol and the legacy one, and puts sizes, quality and speed of one run beside each other.
# Usage: scripts/reproduce_compression_study.sh PHOTOS HELD_OUT OUTPUT
#   PHOTOS    to fine-tune on; HELD_OUT  photos that no weights were trained on: half of them measure, half choose (sensitivity)
# WEIGHTS, SUPERPOINT_STEPS and STEPS (SuperGlue's) of fine-tuning, SUPERPOINT_TOLERANCE and TOLERANCE, PRECISION (of fine-tuning: bf16 is
# faster where the processor has it), VARIANTS and THREADS in the environment change it. A variant NAME@bf16 or NAME@int8 is NAME computed so. Interrupted, the same command goes on.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/reproduce_compression_study.sh PHOTOS HELD_OUT OUTPUT"
photos="${1:?$usage}" held_out="${2:?$usage}" out="${3:?$usage}"
weights="${WEIGHTS:-$ROOT/weights/default}" superglue_steps="${STEPS:-1000}" superpoint_steps="${SUPERPOINT_STEPS:-2000}" threads="${THREADS:--1}" precision="${PRECISION:-auto}"
superglue_tolerance="${TOLERANCE:-2}" superpoint_tolerance="${SUPERPOINT_TOLERANCE:-1.5}"
colmatch="${COLMATCH:-$ROOT/build/release/colmatch}"
[ -x "$colmatch" ] || { echo "error: build first: cmake --preset release && cmake --build build/release" >&2; exit 1; }
[ -d "$weights" ] || { echo "error: WEIGHTS must be a folder with both networks, found $weights" >&2; exit 1; }
mkdir -p "$out"

# Every second photo chooses sparsities and bits, the others measure: what is chosen on a photo is not measured on it.
for half in choose measure; do mkdir -p "$out/$half"; done
number=0
while read -r photo; do
  number=$((number + 1))
  half=choose; [ $((number % 2)) = 0 ] && half=measure
  ln -sf "$photo" "$out/$half/"
done < <(find -L "$(realpath "$held_out")" -type f \( -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.png' \) | sort)

[ -e "$out/train.shard" ] || "$colmatch" prepare_shards --image_path "$photos" --output "$out/train.shard" --num_warps 1 || [ $? = 2 ]
say "sensitivity"
"$colmatch" compress sensitivity --weights "$weights" --image_path "$out/choose" --output "$out/scan" --num_threads "$threads"

# The dense networks alone are followed: labels would move the dustbin from where its calibration left it.
# The tolerance is the points that a tensor alone may cost before fine-tuning, which has to bring back what all cost together.
scan=(--sensitivity "$out/scan")
tune=(--teacher_weight 1 --shards "$out/train.shard" --num_threads "$threads" --precision "$precision")
# tuned NETWORK NAME SUPERPOINT SUPERGLUE RATE ARGUMENTS...: the one network of the variant, fine-tuned
tuned() {
  local network="$1" folder="$out/tuned/$2.$1" superpoint="$3" superglue="$4" rate="$5" steps="$superglue_steps" tolerance="$superglue_tolerance"
  shift 5
  [ "$network" = superglue ] || steps="$superpoint_steps" tolerance="$superpoint_tolerance"
  [ -e "$folder/$network.safetensors" ] && return
  local resume=()
  [ -e "$folder/run_$network/checkpoint.pt" ] && resume=(--resume)
  "$colmatch" compress "$@" --network "$network" "${tune[@]}" "${resume[@]}" --num_steps "$steps" --learning_rate "$rate" \
    --tolerance "$tolerance" --features "$out/features.pt" --weights "superpoint=$superpoint,superglue=$superglue" --output "$folder"
}
# variant NAME FROM RATE RATE ARGUMENTS...: the variant, made of FROM's weights; the learning rates of SuperPoint and SuperGlue, - where
# that one stays as it is. SuperPoint follows the dense one, so SuperGlue learns on that one's features: one file for all variants.
variant() {
  local name="$1" superpoint="$2/superpoint.safetensors" superglue="$2/superglue.safetensors" superpoint_rate="$3" superglue_rate="$4"
  shift 4
  [ -e "$out/$name/superglue.safetensors" ] && return
  say "$name"
  if [ "$superpoint_rate" != - ]; then
    tuned superpoint "$name" "$superpoint" "$superglue" "$superpoint_rate" "$@"
    superpoint="$out/tuned/$name.superpoint/superpoint.safetensors"
  fi
  if [ "$superglue_rate" != - ]; then
    tuned superglue "$name" "$weights/superpoint.safetensors" "$superglue" "$superglue_rate" "$@"
    superglue="$out/tuned/$name.superglue/superglue.safetensors"
  fi
  mkdir -p "$out/$name"
  cp "$superpoint" "$out/$name/superpoint.safetensors"
  cp "$superglue" "$out/$name/superglue.safetensors"
}
# adapted NAME FROM CALIBRATION: FROM, its SuperGlue fine-tuned on its own SuperPoint's features, where that is no longer near the
# dense one, and its dustbin set so that it finds so many times what mutual nearest neighbours do.
adapted() {
  local name="$1" from="$out/$2" calibration="$3" folder="$out/tuned/$1.adapted" resume=()
  [ -e "$out/$name/superglue.safetensors" ] && return
  [ -e "$folder/checkpoint.pt" ] && resume=(--resume)
  "$colmatch" train superglue --shards "$out/train.shard" --superpoint "$from/superpoint.safetensors" --features "$out/features_$name.pt" \
    --initial "$from/superglue.safetensors" --teacher "$weights/superglue.safetensors" --teacher_weight 1 --output "$folder" "${resume[@]}" \
    --num_steps "$superglue_steps" --learning_rate 1e-4 --warmup_steps 50 --SuperGlue.deep_supervision 0 \
    --SuperGlue.calibration_recall "$calibration" --num_threads "$threads" --precision "$precision"
  mkdir -p "$out/$name"
  cp "$from/superpoint.safetensors" "$out/$name/"
  "$colmatch" weights export "$folder/superglue.safetensors" --type fp16 --output "$out/$name/superglue.safetensors"
}
# The same without fine-tuning: 8 bits leave nothing to bring back.
coarse_variant() {
  local name="$1"
  shift
  [ -e "$out/$name/superglue.safetensors" ] || "$colmatch" compress "$@" --weights "$weights" --output "$out/$name"
}
make_variant() {
  case "$1" in
    # In fp32, as networks are published.
    dense) mkdir -p "$out/dense"
           for network in superpoint superglue; do
             [ -e "$out/dense/$network.safetensors" ] || "$colmatch" weights export "$weights/$network.safetensors" --type fp32 \
               --output "$out/dense/$network.safetensors"
           done ;;
    # The seed's rows: SuperGlue alone, both networks, channels of SuperPoint and then single weights of both.
    pruned_superglue) variant "$1" "$weights" - 2e-4 prune "${scan[@]}" ;;
    pruned) variant "$1" "$weights" 5e-4 2e-4 prune "${scan[@]}" ;;
    channel_pruned) variant channels "$weights" 1.5e-3 - prune --method channel \
                      --SuperPoint.encoder_widths 12,24,48,96 --SuperPoint.head_width 96
                    variant "$1" "$out/channels" 5e-4 2e-4 prune "${scan[@]}" ;;
    two_of_four) variant "$1" "$weights" 5e-4 2e-4 prune --method 2:4 ;;
    # Half the operations of both networks: fewer channels, half the heads, fewer hidden units.
    structured) variant structured_parts "$weights" 1.5e-3 2e-4 prune --method channel --SuperPoint.encoder_widths 8,24,48,88 --SuperPoint.head_width 88 \
                  --SuperGlue.num_heads 2 --SuperGlue.mlp_hidden 96
                adapted "$1" structured_parts 1.06 ;;
    linear8) coarse_variant "$1" quantize --method linear --bits 8 ;;
    kmeans8) coarse_variant "$1" quantize --method kmeans --bits 8 ;;
    kmeans*) variant "$1" "$weights" 2e-4 1e-4 quantize --method kmeans --bits "${1#kmeans}" ;;
    pruned_kmeans4) make_variant pruned; variant "$1" "$out/pruned" 2e-4 1e-4 quantize --method kmeans --bits 4 ;;
    structured_kmeans4) make_variant structured; variant "$1" "$out/structured" 2e-4 1e-4 quantize --method kmeans --bits 4 ;;
    compact | fast) ln -sfn "$ROOT/weights/$1" "$out/$1" ;;  # the shipped ones
    *) echo "error: no variant $1" >&2; exit 1 ;;
  esac
}
variants="${VARIANTS:-dense dense@bf16 dense@int8 pruned_superglue pruned channel_pruned two_of_four structured linear8 kmeans8 kmeans4 kmeans3 kmeans2 pruned_kmeans4 structured_kmeans4 compact compact@bf16}"
compare=""
for name in $variants; do
  base="${name%@*}" computed=fp32
  [ "$name" = "$base" ] || computed="${name#*@}"
  make_variant "$base"
  for protocol in superglue legacy; do
    [ -e "$out/$name.$protocol/metrics.json" ] || "$colmatch" evaluate homography --protocol "$protocol" --weights "$out/$base" \
      --image_path "$out/measure" --output "$out/$name.$protocol" --num_threads "$threads" --precision "$computed" --SuperGlue.guidance_rounds 0 --SuperPoint.scales 1  # the networks alone, on the photos as they are
  done
  [ "$base" = dense ] || [ "$name" != "$base" ] || compare="$compare;$out/$base"
done
say "speed"
"$colmatch" benchmark --weights "$out/dense" --compare "${compare#;}" --precisions fp32,bf16,int8 --num_keypoints 1024 \
  --image_path "$out/measure" --num_threads "$threads" --json "$out/speed.json"

python3 - "$out" $variants <<'PY' | tee "$out/table.md"
import json, os, sys
out, names = sys.argv[1], sys.argv[2:]
size = lambda name: sum(os.path.getsize(f"{out}/{name}/{n}.safetensors") for n in ("superpoint", "superglue"))
speed = {(os.path.basename(r["weights"]), r["precision"]): r for r in json.load(open(f"{out}/speed.json"))["results"]}
print("| variant | MB on disk | GFLOP a pair | image ms fp32 | image ms bf16 | pairs/s fp32 | pairs/s bf16 | pairs/s int8 | precision | recall"
      " | RANSAC@10 | DLT@10 | legacy RANSAC@5 | legacy RANSAC@10 | legacy RANSAC@25 | legacy precision | legacy recall |")
print("|" + "---|" * 17)
points = []
for name in names:
    base, _, computed = name.partition("@")
    a, c = (json.load(open(f"{out}/{name}.{p}/metrics.json")) for p in ("superglue", "legacy"))
    rows = {p: speed[base, p] for p in ("fp32", "bf16", "int8")}
    percent = lambda x: f"{100 * x:.1f}"
    mb = size(base) / 1e6
    best = rows[computed]["pairs_per_second"] if computed else max(r["pairs_per_second"] for r in rows.values())
    points.append((mb, 1000 / best, 100 * a["auc_ransac"]["10"], 100 * a["precision"], name))
    print("| " + " | ".join([name, f"{mb:.2f}", f'{rows["fp32"]["gflop_per_pair"]:.1f}',
          *(f'{rows[p]["median_ms"]["superpoint"]:.0f}' for p in ("fp32", "bf16")),
          *(f'{rows[p]["pairs_per_second"]:.1f}' for p in ("fp32", "bf16", "int8")),
          percent(a["precision"]), percent(a["recall"]), percent(a["auc_ransac"]["10"]), percent(a["auc_dlt"]["10"]),
          *(percent(c["auc_ransac"][t]) for t in ("5", "10", "25")), percent(c["precision"]), percent(c["recall"])]) + " |")
with open(f"{out}/frontier.dat", "w") as f:
    f.writelines("%g %g %g %g %s\n" % p for p in points)
PY
gnuplot <<PLOT
set terminal pngcairo size 1500,1000; set output "$out/frontier.png"; set multiplot layout 2,2; set grid; set offsets graph 0.1, graph 0.1, graph 0.05, graph 0.05
names = "$variants"
do for [row in "3 4"] {
  set ylabel (row eq "3" ? "RANSAC AUC at 10 px, %" : "precision, %")
  do for [column in "1 2"] {
    set xlabel (column eq "1" ? "megabytes on disk" : "milliseconds a pair in its fastest precision, 1024 keypoints")
    if (column eq "2") { set key outside right } else { unset key }
    set logscale x
    plot for [i=1:words(names)] "$out/frontier.dat" using int(column):int(row) every ::(i-1)::(i-1) with points pointtype i pointsize 2 linewidth 2 title word(names, i) noenhanced
  }
}
PLOT
echo "wrote $out/table.md and $out/frontier.png"
