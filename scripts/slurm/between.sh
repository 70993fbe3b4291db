#!/usr/bin/env bash
# Between the two arrays: features into the database, pairs dealt into blocks. Submitted by submit.sh:
# between.sh COLMATCH WORK NUM_BLOCKS [OPTION of colmatch plan...]
colmatch="$1" work="$2" num_blocks="$3"
shift 3
"$colmatch" merge --manifest "$work/features" --database_path "$work/database.db" --progress off
status=$?
[ $status = 0 ] || [ $status = 2 ] || exit $status  # 2: some photos cannot be used, each was named
exec "$colmatch" plan --database_path "$work/database.db" --output_path "$work/matches" \
  --feature_plan_path "$work/features" --num_blocks "$num_blocks" --progress off "$@"
