#!/usr/bin/env bash
# One task of an array, submitted by submit.sh: task.sh COLMATCH extract_block|match_block PLAN [OPTION...]
# A task that is requeued, after a lost node or a preemption, does its block again; one that is done is passed over.
colmatch="$1" command="$2" plan="$3"
shift 3
block="$SLURM_ARRAY_TASK_ID"
echo "$(date -Is) $command $block on $(hostname), restart ${SLURM_RESTART_COUNT:-0}"
if [ ! -f "$plan/manifest.json" ]; then
  echo "error: there is no $plan/manifest.json; the job before this one says why" >&2
  exit 3
fi
# The array was submitted before the number of blocks was known.
[ "$block" -lt "$(grep -c '^ *"sha256":' "$plan/manifest.json")" ] || exit 0
# exec: signals of Slurm then reach colmatch itself.
exec "$colmatch" "$command" --manifest "$plan" --block "$block" --num_threads "${SLURM_CPUS_PER_TASK:-1}" --progress off "$@"
