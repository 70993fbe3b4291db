#!/usr/bin/env bash
# The tasks of scripts/slurm without Slurm, by GNU parallel: on this machine, on its GPUs, or on others by ssh. Usage:
#
#   scripts/parallel_match.sh PHOTOS WORK [OPTION...]     WORK/database.db is COLMAP's database
#
# The same command again does what is missing, and only that.
#
#   --jobs N              tasks at a time (1; with --gpus one a GPU); each gets its share of the cores
#   --gpus N              the GPUs of this machine, one task each
#   --hosts FILE          machines to work on, one a line, as parallel --sshloginfile takes them: PHOTOS, WORK and
#                         colmatch must be at the same place on all of them
#   --extraction, --matching, --feature_blocks, --match_blocks   as of scripts/slurm/submit.sh
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/slurm/options.sh"

paths=() jobs=1 gpus=0 hosts=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage ;;
    --jobs) jobs="$2"; shift 2 ;;
    --gpus) gpus="$2" jobs="$2" device=cuda; shift 2 ;;
    --hosts) hosts=(--sshloginfile "$2"); shift 2 ;;
    --*) shared_option "$1" "${2:-}" || fail "unknown option $1; see --help"; shift 2 ;;
    *) paths+=("$1"); shift ;;
  esac
done
[ ${#paths[@]} = 2 ] || usage 1
command -v parallel > /dev/null || fail "GNU parallel is not installed"
take_paths "${paths[@]}"
threads=$(($(nproc) / jobs))
[ "$threads" -ge 1 ] || threads=1

tasks() { # tasks COMMAND STAGE
  local blocks gpu=""
  blocks="$(todo "$work/$2")"
  [ -n "$blocks" ] || return 0
  [ "$gpus" -gt 0 ] && gpu='CUDA_VISIBLE_DEVICES=$(({%} - 1)) '
  tr , '\n' <<< "$blocks" | while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done |
    parallel --will-cite --jobs "$jobs" "${hosts[@]}" --joblog "$work/logs/$2.joblog" --retries 2 \
      "$gpu$(printf %q "$colmatch") $1 --manifest $(printf %q "$work/$2") --block {} --num_threads $threads --device $device --progress off" ||
    echo "warning: some tasks failed, see $work/logs/$2.joblog" >&2  # merge names them
}

plan_features
if [ ! -f "$work/matches/manifest.json" ]; then
  tasks extract_block features
  "$here/slurm/between.sh" "$colmatch" "$work" "$(blocks_for_pairs)" "${matching[@]}"
fi
tasks match_block matches
exec "$here/slurm/merge.sh" "$colmatch" "$work"
