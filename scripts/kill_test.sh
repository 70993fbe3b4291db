#!/usr/bin/env bash
# Kills extraction and matching of a small collection at N random moments and compares what the same commands make of it
# afterwards with an unbroken run, byte for byte. Usage: scripts/kill_test.sh [N]   (200; CI does 20)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_packages "${PACKAGES[@]}" "${TEST_PACKAGES[@]}"
configure_preset release -DCOLMATCH_TESTS=ON
ninja -C "$ROOT/build/release" plugin_commands_test
COLMATCH_KILLS="${1:-200}" exec "$ROOT/build/release/plugin_commands_test" --gtest_filter='KilledRun.*'
