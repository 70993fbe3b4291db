#!/usr/bin/env bash
# How far the jobs of submit.sh are, which blocks are missing, and what their tasks said last. Usage: status.sh WORK
# Exit status: 0 all merged, 2 not yet.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/options.sh"
[ $# = 1 ] && [ -d "$1" ] || usage 1
work="$(cd "$1" && pwd)"
find_colmatch

if command -v squeue > /dev/null && [ -s "$work/jobs.txt" ]; then
  echo "== in the queue"
  squeue --array-unique --jobs="$(cut -d' ' -f1 "$work/jobs.txt" | paste -sd,)" 2> /dev/null || echo "nothing"
fi
for stage in features matches; do
  echo "== $stage"
  if [ ! -f "$work/$stage/manifest.json" ]; then echo "not planned yet"; continue; fi
  "$colmatch" plan_status --manifest "$work/$stage" && continue
  todo "$work/$stage" | tr , '\n' | while IFS=- read -r first last; do
    seq "$first" "${last:-$first}"
  done | head -n 5 | while read -r block; do
    log="$work/logs/${stage}_$block.log"
    [ -s "$log" ] && echo "block $block: $(tail -n 1 "$log")"
  done
done
echo "== merge"
if [ -f "$work/logs/merge.log" ]; then tail -n 3 "$work/logs/merge.log"; else echo "not yet"; fi
[ -f "$work/logs/merge.log" ] && tail -n 1 "$work/logs/merge.log" | grep -q 'status [02]$' || exit 2
