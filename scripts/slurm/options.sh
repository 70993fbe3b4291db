# The command line that submit.sh and parallel_match.sh share. Sourced, not run.
# Sets photos, work, colmatch and the options below; work becomes absolute.

extraction=()      # options of `colmatch plan --image_path`, such as --SuperPoint.max_num_features 1024
matching=()        # options of `colmatch plan --database_path`, such as --pairs list --match_list_path F
feature_blocks=0   # 0: 500 photos a task
match_blocks=0     # 0: 10,000 pairs a task
device=cpu
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit "${1:-0}"; }
fail() { echo "error: $*" >&2; exit 1; }

find_colmatch() {
  local root; root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
  if [ -n "${COLMATCH:-}" ]; then colmatch="$COLMATCH"
  elif [ -x "$root/build/release/colmatch" ]; then colmatch="$root/build/release/colmatch"
  else colmatch="$(command -v colmatch)" || fail "there is no colmatch: build it, or set COLMATCH to its path"
  fi
}

# shared_option NAME VALUE: true if NAME is one of the options above.
shared_option() {
  case "$1" in
    --feature_blocks) feature_blocks="$2" ;;
    --match_blocks) match_blocks="$2" ;;
    --extraction) read -r -a extraction <<< "$2" ;;
    --matching) read -r -a matching <<< "$2" ;;
    *) return 1 ;;
  esac
}

# take_paths PHOTOS WORK
take_paths() {
  [ -d "$1" ] || fail "$1 is not a folder of photos"
  mkdir -p "$2/logs" || fail "cannot make $2/logs"
  photos="$(cd "$1" && pwd)"
  work="$(cd "$2" && pwd)"
  find_colmatch
}

# The plan of the features, made here: it only lists the photos.
plan_features() {
  "$colmatch" plan --image_path "$photos" --output_path "$work/features" --num_blocks "$feature_blocks" "${extraction[@]}"
}

# How many blocks `colmatch plan` may make of the pairs, before the pairs are known.
blocks_for_pairs() {
  local n pairs
  [ "$match_blocks" -gt 0 ] && { echo "$match_blocks"; return; }
  n="$("$colmatch" plan --image_path "$photos" --output_path "$work/features" --num_blocks "$feature_blocks" \
    "${extraction[@]}" 2>&1 | sed -n 's/.*info \([0-9]*\) photos in .*/\1/p')"
  pairs=$((n * (n - 1) / 2))
  case " ${matching[*]} " in *" --pairs "[!e]*) pairs=$((20 * n)) ;; esac
  n=$(((pairs + 9999) / 10000))
  echo $((n < 1 ? 1 : n > 1000 ? 1000 : n))
}

todo() { "$colmatch" plan_status --manifest "$1" --list 1; }
