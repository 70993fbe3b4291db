#!/usr/bin/env bash
# Builds the fuzz targets (tests/fuzz) and runs each for a time. Usage: scripts/fuzz.sh [SECONDS [TARGET...]]
# Without arguments every target runs for 60 s. What is learnt stays in build/fuzz/corpus, so that the next run goes on.
# A finding ends up in build/fuzz/findings: fix it, and add the file (smaller than a few kB: -minimize_crash=1) to
# tests/fuzz/findings as TARGET-WHAT, where the ordinary tests run it for ever.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seconds="${1:-60}"
shift || true
install_packages "${PACKAGES[@]}" "$SANITIZER_PACKAGE" libgtest-dev libgmock-dev
configure_preset fuzz
build="$ROOT/build/fuzz"
all=$(sed -n '/^set(fuzz_targets/,/)/p' "$ROOT/tests/fuzz/targets.cmake" | tr -d ')' | tail -n +2)
targets=("$@")
[ ${#targets[@]} = 0 ] && mapfile -t targets < <(xargs -n1 <<< "$all")
ninja -C "$build" "${targets[@]/#/fuzz_}"

failed=0
mkdir -p "$build/findings"
for target in "${targets[@]}"; do
  corpus="$build/corpus/$target"
  mkdir -p "$corpus"
  "$build/fuzz_$target" --write_seeds "$corpus"
  for finding in "$ROOT/tests/fuzz/findings/$target"-*; do [ -e "$finding" ] && cp "$finding" "$corpus"; done
  # 10 s for one input and 512 MiB in one piece are findings too. The decoders' own words are not of interest.
  if "$build/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    -artifact_prefix="$build/findings/$target-" -print_final_stats=1 -close_fd_mask=1 "$corpus" \
    > "$build/$target.log" 2>&1; then
    result="no finding"
  else
    result="FINDING: $(grep -m1 -E 'ERROR: |runtime error' "$build/$target.log"), see $build/$target.log"
    failed=1
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
  printf '%-16s %12s executions  %s\n' "$target" "${executions:-?}" "$result"
done
exit $failed
