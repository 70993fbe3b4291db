#!/usr/bin/env bash
# The last job, submitted by submit.sh: merge.sh COLMATCH WORK. Runs whatever became of the tasks, and names the blocks
# that are missing.
"$1" merge --manifest "$2/matches" --database_path "$2/database.db" --progress off
status=$?
echo "$(date -Is) merge ended with status $status" >&2
exit $status
