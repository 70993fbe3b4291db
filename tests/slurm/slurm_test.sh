#!/usr/bin/env bash
# Photos to a merged database on a real Slurm of two nodes, undisturbed and disturbed, and through GNU parallel: each
# time the tables are those of one machine, byte for byte. Usage: slurm_test.sh COLMATCH. Exit status 77: skipped.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
scripts="$here/../../scripts"
export COLMATCH="$1"
case "${2:-}" in
  "")
    command -v sqlite3 > /dev/null || { echo "skipped: sqlite3 is not installed"; exit 77; }
    folder="$(mktemp -d "${TMPDIR:-/tmp}/colmatch_slurm_XXXXXX")"
    chmod 755 "$folder"  # as munged wants it
    trap 'rm -rf "$folder"' EXIT
    "$here/local_slurm.sh" "$folder/slurm" "$here/slurm_test.sh" "$COLMATCH" "$folder"
    exit
    ;;
  *) folder="$2" ;;
esac

extraction='--weights fast --SuperPoint.max_num_features 200'
matching='--weights fast'
say() { printf '== %s\n' "$*"; }
set -E
trap 'echo "FAILED at line $LINENO: $BASH_COMMAND"; tail -n 15 "$LOCAL_SLURM/log/slurmctld.out"' ERR

# Every byte of the tables, by their keys.
tables() {
  local table columns
  for table in cameras images keypoints descriptors colmatch_images matches two_view_geometries colmatch_pairs; do
    columns="$(sqlite3 "$1" "SELECT group_concat('quote(' || name || ')', ',') FROM pragma_table_info('$table')")"
    sqlite3 "$1" "SELECT '$table', $columns FROM $table ORDER BY 2"
  done
}
expect_same_tables() {
  cmp <(tables "$folder/one.db") <(tables "$1") && [ "$(tables "$1" | wc -l)" -gt 20 ] || { echo "FAILED: $1 differs"; exit 1; }
}
submit() { # submit WORK [OPTION...]
  local work="$1"
  shift
  "$scripts/slurm/submit.sh" "$folder/demo/images" "$work" --cpus 1 --mem 900M --extraction "$extraction" \
    --matching "$matching" "$@"
}
wait_for_jobs() { # wait_for_jobs WORK SECONDS
  for _ in $(seq "$2"); do
    [ -z "$(squeue -h --jobs="$(cut -d' ' -f1 "$1/jobs.txt" | paste -sd,)" 2> /dev/null)" ] && return
    sleep 1
  done
  squeue; tail -n 3 "$1"/logs/*; echo "FAILED: the jobs of $1 do not end"; exit 1
}
expect_done() {
  "$scripts/slurm/status.sh" "$1" || { tail -n 5 "$1"/logs/*; echo "FAILED: $1 is not done"; exit 1; }
}

say "one machine"
"$COLMATCH" demo_scene --output_path "$folder/demo" --num_images 6 --width 320 --height 240 --progress off
"$COLMATCH" feature_extractor --database_path "$folder/one.db" --image_path "$folder/demo/images" $extraction --num_threads 1 --progress off
"$COLMATCH" exhaustive_matcher --database_path "$folder/one.db" $matching --num_threads 1 --progress off

say "Slurm, 7 blocks; a shard is truncated and a block missing: the same command does these two"
work="$folder/seven"
submit "$work" --feature_blocks 2 --match_blocks 7
wait_for_jobs "$work" 150
expect_done "$work"
expect_same_tables "$work/database.db"
truncate --size=60 "$work/matches/shards/block_0003.cmr"
rm "$work/matches/shards/block_0005.cmr" "$work/logs/merge.log"
"$scripts/slurm/status.sh" "$work" > "$work/status.txt" && { echo "FAILED: status says it is done"; exit 1; }
grep -q 'block 5 is missing; block 3 is damaged; 5 of 7 are there' "$work/status.txt"
submit "$work" --match_blocks 7
[ "$(squeue -h -r --name colmatch_matches | wc -l)" -le 2 ]
wait_for_jobs "$work" 100
expect_done "$work"
expect_same_tables "$work/database.db"

say "Slurm, a task killed and a node lost"
work="$folder/lost"
slow() { # colmatch, and time to be killed in
  cat > "$folder/colmatch" << S
#!/usr/bin/env bash
[ "\$1" = match_block ] && [ ! -e "$folder/hurry" ] && { echo \$\$ > "$folder/task.\$5"; sleep 300; }
exec "$COLMATCH" "\$@"
S
  chmod +x "$folder/colmatch"
}
slow
COLMATCH="$folder/colmatch" submit "$work" --feature_blocks 1 --match_blocks 2
for _ in $(seq 300); do [ -s "$folder/task.0" ] && [ -s "$folder/task.1" ] && break; sleep 0.2; done
touch "$folder/hurry"
job="$(sed -n 's/ matches$//p' "$work/jobs.txt")"
node="$(squeue -h -r --jobs="${job}_0" -o %N)"
kill_task() { pkill -9 -P "$1" || true; kill -9 "$1"; }
kill_task "$(cat "$folder/task.1")"  # fails, and is not run again by itself
# A node is lost: its daemon, the step and the task.
step="$(ps -o ppid= -p "$(cat "$folder/task.0")" | tr -d ' ')"
kill -9 "$(cat "$LOCAL_SLURM/pids/slurmd.$node")" "$step"
kill_task "$(cat "$folder/task.0")"
for _ in $(seq 240); do [ "$(sinfo -h -n "$node" -t down -o %D)" ] && break; sleep 0.5; done
setsid slurmd -D -f "$SLURM_CONF" -N "$node" > "$LOCAL_SLURM/log/$node.again" 2>&1 &
echo $! > "$LOCAL_SLURM/pids/slurmd.$node"
for _ in $(seq 120); do [ "$(sinfo -h -n "$node" -t idle -o %D)" ] && break; sleep 0.5; done
sleep 3  # until the node has been told to end what it was running
# Slurm waits two minutes before it runs the task of a lost node again; not here.
for _ in $(seq 60); do
  scontrol update JobId="${job}_0" StartTime=now > /dev/null 2>&1 && break
  sleep 0.5
done
wait_for_jobs "$work" 150
grep -q 'match_block 0 .* restart 1' "$work/logs/matches_0.log"
grep -q 'block 1 is missing' "$work/logs/merge.log"
submit "$work" --match_blocks 2
wait_for_jobs "$work" 100
expect_done "$work"
expect_same_tables "$work/database.db"

say "GNU parallel"
if command -v parallel > /dev/null; then
  for _ in 1 2; do
    "$scripts/parallel_match.sh" "$folder/demo/images" "$folder/parallel" --jobs "$(nproc)" --extraction "$extraction" \
      --matching "$matching" --feature_blocks 3 --match_blocks 2
    expect_same_tables "$folder/parallel/database.db"
  done
else
  echo "skipped: parallel is not installed"
fi
say "passed"
