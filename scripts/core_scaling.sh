#!/usr/bin/env bash
# What a second core gives: every precision and weights with one thread and with all, wall times, and whether the
# tables are equal byte for byte. Usage: scripts/core_scaling.sh PHOTOS OUTPUT
#   WEIGHTS="default fast compact"  PRECISIONS="fp32 bf16 int8"  THREADS=N (default: all cores)  ROUNDS=1
# Prints a Markdown table, and the serial part of the commands from their traces: what the one thread that reads and
# writes the database takes an image and a pair, and the speed-up that 64 cores would give (Amdahl's law, the serial part
# beside the workers).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
usage="usage: scripts/core_scaling.sh PHOTOS OUTPUT"
photos="$(realpath "${1:?$usage}")" output="${2:?$usage}"
threads="${THREADS:-$(nproc)}" rounds="${ROUNDS:-1}"
colmatch="$ROOT/build/release/colmatch"
mkdir -p "$output"
status=0

seconds() {
  local begin end
  begin=$(date +%s%N)
  "$@" > "$output/last.log" 2>&1 || { cat "$output/last.log" >&2; exit 3; }
  end=$(date +%s%N)
  awk "BEGIN { print ($end - $begin) / 1e9 }"
}
least() { printf '%s\n' "$@" | sort -g | head -n 1; }
tables() { sqlite3 "$1" .dump | sha256sum; }

echo "| weights | precision | features s, 1 thread | $threads threads | times | matches s, 1 thread | $threads threads | times | tables |"
echo "|---|---|---|---|---|---|---|---|---|"
for weights in ${WEIGHTS:-default fast compact}; do
  for precision in ${PRECISIONS:-fp32 bf16 int8}; do
    declare -A features=() matches=()
    for _ in $(seq "$rounds"); do
      for n in 1 "$threads"; do
        database="$output/$weights-$precision-$n.db"
        rm -f "$database"*
        common=(--database_path "$database" --weights "$weights" --num_threads "$n")
        features[$n]+=" $(seconds "$colmatch" feature_extractor "${common[@]}" --image_path "$photos" \
          --precision "${precision/int8/fp32}" --trace "$output/$weights-$precision-$n.features.json")"
        matches[$n]+=" $(seconds "$colmatch" exhaustive_matcher "${common[@]}" --precision "$precision" \
          --trace "$output/$weights-$precision-$n.matches.json")"
      done
    done
    f1=$(least ${features[1]}) fn=$(least ${features[$threads]})
    m1=$(least ${matches[1]}) mn=$(least ${matches[$threads]})
    equal=equal
    [ "$(tables "$output/$weights-$precision-1.db")" = "$(tables "$output/$weights-$precision-$threads.db")" ] ||
      { equal="**DIFFERENT**"; status=1; }
    awk -v w="$weights" -v p="$precision" -v f1="$f1" -v fn="$fn" -v m1="$m1" -v mn="$mn" -v e="$equal" 'BEGIN {
      printf "| %s | %s | %.1f | %.1f | %.2f | %.1f | %.1f | %.2f | %s |\n", w, p, f1, fn, f1 / fn, m1, mn, m1 / mn, e }'
  done
done

python3 - "$output" <<'PY'
import json, pathlib, sys
print("\n| command | items | serial ms an item | work ms an item | 64 cores: times |\n|---|---|---|---|---|")
for path in sorted(pathlib.Path(sys.argv[1]).glob("*-1.*.json")):
    spans, items = {}, {"features": "extract", "matches": "match"}[path.name.split(".")[-2]]
    count = 0
    for event in json.loads(path.read_text())["traceEvents"]:
        if "dur" not in event: continue
        spans[event["name"]] = spans.get(event["name"], 0) + event["dur"] / 1e3
        count += event["name"] == items
    if not count: continue
    serial = sum(spans.get(name, 0) for name in ("load", "write", "look up")) / count
    work = sum(spans.get(name, 0) for name in ("decode", "extract", "prepare", "match", "verify")) / count
    # The serial part is done beside the workers: whichever takes longer decides.
    speedup = (serial + work) / max(serial, work / 64)
    print(f"| {path.name[:-len('.json')]} | {count} | {serial:.3f} | {work:.2f} | {min(speedup, 64):.0f} |")
PY
exit $status
