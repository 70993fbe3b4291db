#!/usr/bin/env bash
# Reconstructs every collection of a folder with colmatch, and with COLMAP's own SIFT where --sift is given, and prints one
# Markdown row each. Usage: scripts/evaluate_collections.sh COLLECTIONS OUTPUT [--sift] [NAME...]
# WEIGHTS (default, fast, compact, a folder) and PRECISION in the environment.
# A collection is a sub-folder with images/ and, where the true cameras are known, gt/.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
collections="${1:?usage: scripts/evaluate_collections.sh COLLECTIONS OUTPUT [--sift] [NAME...]}"
output="${2:?usage: scripts/evaluate_collections.sh COLLECTIONS OUTPUT [--sift] [NAME...]}"
shift 2
sift=0
[ "${1:-}" = --sift ] && { sift=1; shift; }
colmatch="$ROOT/build/release/colmatch"
names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(cd "$collections" && ls -d */images | cut -d/ -f1)

row() {  # row NAME METHOD REPORT.json
  python3 - "$@" <<'PY'
import json, sys
name, method, path = sys.argv[1:]
r = json.load(open(path))
s = r["models"][0]["statistics"] if r["models"] else None
t = r.get("truth") or {}
seconds = " + ".join(f'{stage["seconds"]:.0f}' for stage in r["stages"])
model = (f'{s["points"]} | {s["mean_track_length"]:.2f} | {s["mean_reprojection_error_px"]:.3f}' if s else "- | - | -")
truth = (f'{t["rotation_deg"]["median"]:.2f} / {t["rotation_deg"]["max"]:.2f} | '
         f'{100 * t["position_share"]["median"]:.2f} / {100 * t["position_share"]["max"]:.2f}' if t.get("aligned") else "- | -")
print(f'| {name} | {method} | {s["registered_images"] if s else 0} / {r["num_images"]} | {model} | {truth} | {seconds} |', flush=True)
PY
}

echo '| collection | features | registered | points | track length | reprojection px | rotation error deg (median / max) | position error % of extent | seconds: features + matches + mapper |'
echo '|---|---|---|---|---|---|---|---|---|'
for name in "${names[@]}"; do
  truth=()
  [ -d "$collections/$name/gt" ] && truth=(--truth_path "$collections/$name/gt")
  mkdir -p "$output/$name"
  "$colmatch" automatic_reconstructor --workspace_path "$output/$name" --image_path "$collections/$name/images" \
    --weights "${WEIGHTS:-default}" --precision "${PRECISION:-auto}" "${truth[@]}" > "$output/$name/colmatch.log" 2>&1 || true
  row "$name" colmatch "$output/$name/report.json"
  [ "$sift" = 1 ] || continue
  mkdir -p "$output/$name/sift/sparse"
  export QT_QPA_PLATFORM=offscreen
  (
    colmap feature_extractor --database_path "$output/$name/sift/database.db" --image_path "$collections/$name/images" --SiftExtraction.use_gpu 0
    colmap exhaustive_matcher --database_path "$output/$name/sift/database.db" --SiftMatching.use_gpu 0
    colmap mapper --database_path "$output/$name/sift/database.db" --image_path "$collections/$name/images" --output_path "$output/$name/sift/sparse"
    colmap model_analyzer --path "$output/$name/sift/sparse/0"
  ) > "$output/$name/sift/colmap.log" 2>&1 || true
  tail -n 9 "$output/$name/sift/colmap.log" | sed 's/^/    SIFT: /'
done
