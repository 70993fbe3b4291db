#!/usr/bin/env bash
# A Slurm of its own on this host: a controller and two "nodes" n1, n2 (two slurmd), as an ordinary user or as root,
# without systemd and cgroups. Usage: local_slurm.sh FOLDER COMMAND...
# Runs COMMAND with SLURM_CONF set and LOCAL_SLURM=FOLDER, then ends what it started, and only that. Exit status 77:
# Slurm could not be started here; the reason is printed.
set -uo pipefail
folder="$1"
shift
for program in munged slurmctld slurmd; do
  PATH="$PATH:/usr/sbin" command -v $program > /dev/null || { echo "skipped: $program is not installed"; exit 77; }
done
PATH="$PATH:/usr/sbin"
mkdir -p "$folder"/{ctld,log,pids} && chmod 755 "$folder"  # munged wants x for all on its socket's folder
host="$(hostname -s)" user="$(id -un)" port=$((20000 + $$ % 10000 * 3))
started=()
finish() {
  for node in n1 n2; do kill "$(cat "$folder/pids/slurmd.$node" 2> /dev/null)" 2> /dev/null; done
  [ ${#started[@]} = 0 ] || kill "${started[@]}" 2> /dev/null
  kill "$(cat "$folder/pids/munged" 2> /dev/null)" 2> /dev/null
  wait
}
trap finish EXIT

(umask 077; head -c 128 /dev/urandom > "$folder/munge.key")
munged --key-file="$folder/munge.key" --socket="$folder/munge.sock" --pid-file="$folder/pids/munged" \
  --log-file="$folder/log/munged.log" --seed-file="$folder/munged.seed" --num-threads=1 ||
  { echo "skipped: munged does not start here; see $folder/log"; exit 77; }
cat > "$folder/slurm.conf" << C
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.sock
CredType=cred/munge
StateSaveLocation=$folder/ctld
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=5
KillWait=5
MinJobAge=600
SchedulerParameters=batch_sched_delay=0,sched_interval=2
NodeName=n[1-2] NodeAddr=127.0.0.1 NodeHostname=$host Port=[$((port + 1))-$((port + 2))] CPUs=2 RealMemory=2000
PartitionName=main Nodes=ALL Default=YES State=UP
C
export SLURM_CONF="$folder/slurm.conf" LOCAL_SLURM="$folder"

wait_for() { # wait_for SECONDS COMMAND...
  local tries=$(($1 * 5))
  shift
  for _ in $(seq $tries); do "$@" && return; sleep 0.2; done
  return 1
}
controller_is_up() { scontrol ping 2> /dev/null | grep -q UP; }
nodes_are_idle() { [ "$(sinfo -h -t idle -o %D 2> /dev/null)" = 2 ]; }

setsid slurmctld -D -f "$SLURM_CONF" > "$folder/log/slurmctld.out" 2>&1 &
started+=($!)
wait_for 30 controller_is_up || { tail -n 5 "$folder/log/slurmctld.out"; echo "skipped: slurmctld does not start here"; exit 77; }
for node in n1 n2; do
  mkdir -p "$folder/spool.$node"
  setsid slurmd -D -f "$SLURM_CONF" -N $node > "$folder/log/$node.out" 2>&1 &
  echo $! > "$folder/pids/slurmd.$node"
done
wait_for 30 nodes_are_idle || { tail -n 5 "$folder"/log/n?.out; echo "skipped: slurmd does not start here"; exit 77; }
"$@"
