#!/usr/bin/env bash
# A folder of photos to COLMAP's database WORK/database.db, on a Slurm cluster. Usage:
#
#   scripts/slurm/submit.sh PHOTOS WORK [OPTION...]       both in a folder that all nodes see
#   scripts/slurm/status.sh WORK                          how far it is
#
# The same command again submits what is missing, and only that.
#
#   --gpu                 one GPU a task (--gres=gpu:1); else the CPU
#   --cpus N              CPU cores a task (4)
#   --mem M               memory a task (8G)
#   --extraction OPTIONS  of feature_extractor, in one word: '--SuperPoint.max_num_features 1024 --weights fast'
#   --matching OPTIONS    of colmatch plan and the matcher: '--pairs list --match_list_path pairs.txt'
#   --feature_blocks N    tasks of extraction (0: 500 photos each)
#   --match_blocks N      tasks of matching, at most 1000 (0: 10,000 pairs each)
#   --sbatch OPTIONS      of every sbatch, in one word: '--partition long --time 4:00:00'
#
# Account, partition and time limit may also be given as Slurm knows them: SBATCH_ACCOUNT, SBATCH_PARTITION, ...
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/options.sh"

paths=() cpus=4 mem=8G sbatch_options=() gres=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage ;;
    --gpu) gres=(--gres=gpu:1) device=cuda; shift ;;
    --cpus) cpus="$2"; shift 2 ;;
    --mem) mem="$2"; shift 2 ;;
    --sbatch) read -r -a sbatch_options <<< "$2"; shift 2 ;;
    --*) shared_option "$1" "${2:-}" || fail "unknown option $1; see --help"; shift 2 ;;
    *) paths+=("$1"); shift ;;
  esac
done
[ ${#paths[@]} = 2 ] || usage 1
command -v sbatch > /dev/null || fail "there is no sbatch here: without Slurm, scripts/parallel_match.sh runs the same tasks"
take_paths "${paths[@]}"

submit() { # submit NAME DEPENDENCY [SBATCH OPTION...] SCRIPT [ARGUMENT...]
  local name="$1" after="$2" id
  shift 2
  [ -n "$after" ] && set -- --dependency="afterany:$after" "$@"
  id="$(sbatch --parsable --requeue --open-mode=append --job-name="colmatch_$name" --cpus-per-task="$cpus" --mem="$mem" \
    "${sbatch_options[@]}" "$@")"
  id="${id%%;*}"
  echo "$id $name" >> "$work/jobs.txt"
  echo "$id"
}
array() { # array NAME DEPENDENCY BLOCKS COMMAND
  submit "$1" "$2" --array="$3" "${gres[@]}" --output="$work/logs/$1_%a.log" \
    "$here/task.sh" "$colmatch" "$4" "$work/$1" --device "$device"
}

plan_features
last=""
if [ ! -f "$work/matches/manifest.json" ]; then
  blocks="$(todo "$work/features")"
  [ -n "$blocks" ] && last="$(array features "" "$blocks" extract_block)"
  blocks="$(blocks_for_pairs)"
  last="$(submit between "$last" --output="$work/logs/between.log" \
    "$here/between.sh" "$colmatch" "$work" "$blocks" "${matching[@]}")"
  blocks="0-$((blocks - 1))"
else
  blocks="$(todo "$work/matches")"
fi
[ -n "$blocks" ] && last="$(array matches "$last" "$blocks" match_block)"
last="$(submit merge "$last" --output="$work/logs/merge.log" "$here/merge.sh" "$colmatch" "$work")"
echo "submitted; job $last writes $work/database.db. How far it is: $here/status.sh $work"
