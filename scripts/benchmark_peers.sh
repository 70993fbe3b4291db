#!/usr/bin/env bash
# colmatch beside its peers on the same photos: in turn, round after round, so that all share the machine's moods.
# Usage: scripts/benchmark_peers.sh PHOTOS OUTPUT
#   NUM_KEYPOINTS=1024 THREADS=1 ROUNDS=5
#   PEER_SUPERGLUE=PATH  clone of the reference Python SuperGlue and SuperPoint (magicleap/SuperGluePretrainedNetwork)
#   PEER_LIGHTGLUE=PATH  clone of cvg/LightGlue
#   PEER_PYTHON=python   with PyTorch, for these two; and with pycolmap 4, for COLMAP's present SIFT
# What is not there is skipped with its reason. Writes OUTPUT/samples.csv (one measurement a line), OUTPUT/results.json,
# OUTPUT/colmatch.json (colmatch benchmark's, with the machine's matrix product), OUTPUT/roofline.png, and prints a
# Markdown table of medians and spread, and of how many times faster colmatch was in the same rounds.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
photos="${1:?usage: scripts/benchmark_peers.sh PHOTOS OUTPUT}"
output="${2:?usage: scripts/benchmark_peers.sh PHOTOS OUTPUT}"
keypoints="${NUM_KEYPOINTS:-1024}" threads="${THREADS:-1}" rounds="${ROUNDS:-5}"
python="${PEER_PYTHON:-$ROOT/deps/pycolmap/bin/python}"
colmatch="$ROOT/build/release/colmatch"
export QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads"
mkdir -p "$output"
samples="$output/samples.csv"
echo "peer,what,value" > "$samples"

skip() { echo "skipped: $1: $2" | tee -a "$output/skipped.txt"; }
: > "$output/skipped.txt"
sample() { echo "$1,$2,$3" >> "$samples"; }

# microseconds COMMAND...: how long it takes; its output goes to OUTPUT/last.log, its failure ends the script.
microseconds() {
  local begin end
  begin=$(date +%s%N)
  "$@" > "$output/last.log" 2>&1 || { cat "$output/last.log" >&2; exit 3; }
  end=$(date +%s%N)
  echo $(((end - begin) / 1000))
}
has_module() { "$python" -c "import $1" 2> /dev/null; }

# Features once; matching is what is timed, from a fresh copy of the database.
say "features"
num_images=$(find "$photos" -maxdepth 1 -type f | wc -l)
num_pairs=$((num_images * (num_images - 1) / 2))
rm -f "$output"/*.db
for weights in default fast; do
  "$colmatch" feature_extractor --database_path "$output/$weights.db" --image_path "$photos" --weights "$weights" \
    --SuperPoint.max_num_features "$keypoints" --num_threads "$threads" --log_level warn
done
with_colmap=0 with_pycolmap=0
if command -v colmap > /dev/null; then
  with_colmap=1
  colmap feature_extractor --database_path "$output/colmap.db" --image_path "$photos" --SiftExtraction.use_gpu 0 \
    --SiftExtraction.max_num_features "$keypoints" --SiftExtraction.num_threads "$threads" > "$output/last.log" 2>&1
else
  skip "COLMAP" "there is no colmap on PATH (apt-get install colmap)"
fi
if has_module pycolmap; then
  with_pycolmap=1
  "$python" - "$output/pycolmap.db" "$photos" "$keypoints" "$threads" > "$output/last.log" 2>&1 <<'PY'
import sys, pycolmap
database, photos, keypoints, threads = sys.argv[1:]
options = pycolmap.FeatureExtractionOptions()
options.use_gpu, options.num_threads = False, int(threads)
options.sift.max_num_features = int(keypoints)
pycolmap.extract_features(database, photos, extraction_options=options, device=pycolmap.Device.cpu)
PY
else
  skip "pycolmap" "$python has no pycolmap (pip install 'pycolmap>=4,<5'; or set PEER_PYTHON)"
fi
declare -A checkout=([superpoint]="${PEER_SUPERGLUE:-}" [superglue]="${PEER_SUPERGLUE:-}" [lightglue]="${PEER_LIGHTGLUE:-}")
declare -A peer_measures=([superpoint]=superpoint_ms [superglue]=pair_ms_alone [lightglue]=pair_ms_alone)
for peer in superpoint superglue lightglue; do
  if [ -z "${checkout[$peer]}" ]; then
    skip "Python $peer" "no checkout is named (PEER_SUPERGLUE, PEER_LIGHTGLUE)"
  elif ! has_module torch; then
    skip "Python $peer" "$python has no torch (pip install torch; or set PEER_PYTHON)"
    checkout[$peer]=
  fi
done

cat > "$output/match_pycolmap.py" <<'PY'
import sys, pycolmap
options = pycolmap.FeatureMatchingOptions()
options.use_gpu, options.num_threads = False, int(sys.argv[2])
pycolmap.match_exhaustive(sys.argv[1], matching_options=options, device=pycolmap.Device.cpu)
PY

# The whole matching command, verification included, over the pairs.
time_matching() {  # time_matching PEER DATABASE COMMAND...
  local peer="$1" database="$2" spent
  shift 2
  cp "$database" "$output/copy.db"
  spent=$(microseconds "$@")
  rm -f "$output"/copy.db*
  spent=$((spent / num_pairs))
  sample "$peer" "command_ms_per_pair" "$((spent / 1000)).$(printf %03d $((spent % 1000)))"
}

for round in $(seq "$rounds"); do
  say "round $round of $rounds"
  "$colmatch" benchmark --weights official --compare "default;fast" --precisions fp32,bf16,int8 --image_path "$photos" \
    --num_keypoints "$keypoints" --num_threads "$threads" --repetitions 1 --progress off \
    --json "$output/round.json" --png "$output/roofline.png" > "$output/last.log"
  python3 - "$output/round.json" "$output/colmatch.json" >> "$samples" <<'PY'
import json, shutil, sys
report = json.load(open(sys.argv[1]))
for r in report["results"]:
    ms, name = r["median_ms"], f'colmatch {r["weights"]} {r["precision"]}'
    print(f'{name},pair_ms_alone,{1000 / r["pairs_per_second_alone"]}')
    print(f'{name},pair_ms_exhaustive,{1000 / r["pairs_per_second"]}')
    for stage, value in ms.items():
        print(f"{name},{stage}_ms,{value}")
    print(f'{name},percent_of_matrix_product,{100 * r["share_of_matrix_product"]}')
    print(f'{name},percent_equal_to_fp32,{100 * r["equal_to_fp32"]}')
shutil.copyfile(sys.argv[1], sys.argv[2])
PY
  size=$(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))["image"])' "$output/round.json")
  for peer in superpoint superglue lightglue; do
    [ -n "${checkout[$peer]}" ] || continue
    ms=$("$python" "$ROOT/scripts/peer_network.py" "$peer" "${checkout[$peer]}" "$keypoints" "$threads" 3 $size |
         tail -n 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["median_ms"])')
    sample "Python $peer" "${peer_measures[$peer]}" "$ms"
  done
  for weights in default fast; do
    for precision in fp32 bf16; do
      time_matching "colmatch $weights $precision" "$output/$weights.db" "$colmatch" exhaustive_matcher \
        --database_path "$output/copy.db" --weights "$weights" --precision "$precision" --num_threads "$threads"
    done
  done
  [ "$with_colmap" = 1 ] && time_matching "COLMAP SIFT" "$output/colmap.db" colmap exhaustive_matcher \
    --database_path "$output/copy.db" --SiftMatching.use_gpu 0 --SiftMatching.num_threads "$threads"
  [ "$with_pycolmap" = 1 ] && time_matching "pycolmap SIFT" "$output/pycolmap.db" "$python" \
    "$output/match_pycolmap.py" "$output/copy.db" "$threads"
done

say "results"
python3 - "$samples" "$output/results.json" <<'PY'
import collections, csv, json, statistics, sys
values = collections.defaultdict(list)
for row in csv.DictReader(open(sys.argv[1])):
    values[row["peer"], row["what"]].append(float(row["value"]))
print("| peer | what | median | least | most | rounds |\n|---|---|---|---|---|---|")
results = []
for (peer, what), v in sorted(values.items(), key=lambda item: (item[0][1], item[0][0])):
    print(f"| {peer} | {what} | {statistics.median(v):.1f} | {min(v):.1f} | {max(v):.1f} | {len(v)} |")
    results.append({"peer": peer, "what": what, "median": statistics.median(v), "samples": v})
json.dump(results, open(sys.argv[2], "w"), indent=2)

print("\n| colmatch | beside | of | times faster: median | least | most |\n|---|---|---|---|---|---|")
compared = [("official", "Python superpoint", "superpoint_ms"), ("official", "Python superglue", "pair_ms_alone"),
            ("official", "Python lightglue", "pair_ms_alone"), ("fast", "COLMAP SIFT", "command_ms_per_pair"),
            ("fast", "pycolmap SIFT", "command_ms_per_pair")]
for weights, peer, what in compared:
    for precision in ["fp32", "bf16", "int8"]:
        ours, theirs = values.get((f"colmatch {weights} {precision}", what)), values.get((peer, what))
        if ours and theirs:
            ratios = [b / a for a, b in zip(ours, theirs)]
            print(f"| {weights} {precision} | {peer} | {what} | {statistics.median(ratios):.2f} | "
                  f"{min(ratios):.2f} | {max(ratios):.2f} |")
PY
cat "$output/skipped.txt"
