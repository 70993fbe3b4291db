#!/usr/bin/env bash
# The second seed's study: what pruning and quantization cost and what they give. Makes every variant of some weights, measures it
# by protocol A and by the seed's own (legacy), and puts sizes, quality and speed of one run beside each other.
# Usage: scripts/reproduce_compression_study.sh PHOTOS HELD_OUT OUTPUT
#   PHOTOS    to fine-tune on; HELD_OUT  photos that no weights were trained on: half of them measure, half choose (sensitivity)
# WEIGHTS, STEPS (of fine-tuning), VARIANTS and THREADS in the environment change it. Interrupted, the same command goes on.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/reproduce_compression_study.sh PHOTOS HELD_OUT OUTPUT"
photos="${1:?$usage}" held_out="${2:?$usage}" out="${3:?$usage}"
weights="${WEIGHTS:-$ROOT/weights/default}" steps="${STEPS:-300}" threads="${THREADS:--1}"
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

tune=(--shards "$out/train.shard" --num_steps "$steps" --num_threads "$threads")
# variant NAME FROM ARGUMENTS...: the variant, made of FROM's weights
variant() {
  local name="$1" from="$2"
  shift 2
  [ -e "$out/$name/superglue.safetensors" ] && return
  say "$name"
  local resume=()
  [ -e "$out/$name/run_superpoint/checkpoint.pt" ] && resume=(--resume)
  "$colmatch" compress "$@" "${tune[@]}" "${resume[@]}" --weights "$from" --output "$out/$name"
}
make_variant() {
  case "$1" in
    dense) ln -sfn "$weights" "$out/dense" ;;
    # The seed's rows: SuperGlue alone, both networks, channels of SuperPoint and then single weights of both.
    pruned_superglue) variant "$1" "$weights" prune --network superglue --sensitivity "$out/scan" ;;
    pruned) variant "$1" "$weights" prune --sensitivity "$out/scan" ;;
    channel_pruned) variant channels "$weights" prune --network superpoint --method channel --SuperPoint.encoder_widths 12,24,48,96 \
                      --SuperPoint.head_width 96
                    variant "$1" "$out/channels" prune --sensitivity "$out/scan" ;;
    two_of_four) variant "$1" "$weights" prune --method 2:4 ;;
    # Half the operations of both networks.
    structured) variant "$1" "$weights" prune --method channel --SuperPoint.encoder_widths 11,22,44,88 --SuperPoint.head_width 88 \
                  --SuperGlue.attention_dim 64 --SuperGlue.mlp_hidden 128 ;;
    linear8) variant "$1" "$weights" quantize --method linear --bits 8 ;;
    kmeans*) variant "$1" "$weights" quantize --method kmeans --bits "${1#kmeans}" ;;
    pruned_kmeans4) make_variant pruned; variant "$1" "$out/pruned" quantize --method kmeans --bits 4 ;;
    structured_kmeans4) make_variant structured; variant "$1" "$out/structured" quantize --method kmeans --bits 4 ;;
    *) echo "error: no variant $1" >&2; exit 1 ;;
  esac
}
variants="${VARIANTS:-dense pruned_superglue pruned channel_pruned two_of_four structured linear8 kmeans8 kmeans6 kmeans4 kmeans3 kmeans2 pruned_kmeans4 structured_kmeans4}"
compare=""
for name in $variants; do
  make_variant "$name"
  for protocol in superglue legacy; do
    [ -e "$out/$name.$protocol/metrics.json" ] || "$colmatch" evaluate homography --protocol "$protocol" --weights "$out/$name" \
      --image_path "$out/measure" --output "$out/$name.$protocol" --num_threads "$threads"
  done
  [ "$name" = dense ] || compare="$compare;$out/$name"
done
say "speed"
"$colmatch" benchmark --weights "$out/dense" --compare "${compare#;}" --precisions fp32,int8 --num_keypoints 1024 \
  --num_threads "$threads" --json "$out/speed.json"

python3 - "$out" $variants <<'PY' | tee "$out/table.md"
import json, os, sys
out, names = sys.argv[1], sys.argv[2:]
size = lambda name: sum(os.path.getsize(f"{out}/{name}/{n}.safetensors") for n in ("superpoint", "superglue"))
speed = {(os.path.basename(r["weights"]), r["precision"]): r for r in json.load(open(f"{out}/speed.json"))["results"]}
print("| variant | MB on disk | GFLOP a pair | pairs/s fp32 | int8 | precision | recall | RANSAC@10 | DLT@10 | legacy: RANSAC@5 | @10 | @25 | precision | recall |")
print("|" + "---|" * 14)
points = []
for name in names:
    a, c = (json.load(open(f"{out}/{name}.{p}/metrics.json")) for p in ("superglue", "legacy"))
    fp32, int8 = speed[name, "fp32"], speed[name, "int8"]
    percent = lambda x: f"{100 * x:.1f}"
    mb = size(name) / 1e6
    points.append((mb, fp32["median_ms"]["layers"] + fp32["median_ms"]["sinkhorn"], 100 * a["auc_ransac"]["10"], 100 * a["precision"], name))
    print("| " + " | ".join([name, f"{mb:.2f}", f'{fp32["gflop_per_pair"]:.1f}', f'{fp32["pairs_per_second"]:.2f}', f'{int8["pairs_per_second"]:.2f}',
          percent(a["precision"]), percent(a["recall"]), percent(a["auc_ransac"]["10"]), percent(a["auc_dlt"]["10"]),
          *(percent(c["auc_ransac"][t]) for t in ("5", "10", "25")), percent(c["precision"]), percent(c["recall"])]) + " |")
with open(f"{out}/frontier.dat", "w") as f:
    f.writelines("%g %g %g %g %s\n" % p for p in points)
PY
gnuplot <<PLOT
set terminal pngcairo size 1200,500; set output "$out/frontier.png"; set multiplot layout 1,2; set ylabel "precision, %"; unset key
set xlabel "megabytes on disk"; set logscale x
plot "$out/frontier.dat" using 1:4 with points pt 7, "" using 1:4:5 with labels offset 0,0.8 noenhanced
set xlabel "milliseconds a pair, fp32, 1024 keypoints"
plot "$out/frontier.dat" using 2:4 with points pt 7, "" using 2:4:5 with labels offset 0,0.8 noenhanced
PLOT
echo "wrote $out/table.md and $out/frontier.png"
