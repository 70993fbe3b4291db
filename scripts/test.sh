#!/usr/bin/env bash
# Installs what is missing, builds everything, and runs all tests. Usage: scripts/test.sh [CTEST OPTION...]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_packages "${PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${PYTHON_PACKAGES[@]}"

say "checking the format"
"$ROOT/scripts/format.sh" --check
say "checking includes against links, and links of pages"
python3 "$ROOT/scripts/check_includes.py"

# pycolmap 4 judges the databases we write. Where PyPI cannot be reached its tests say that they were skipped.
venv="$ROOT/deps/pycolmap"
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import pycolmap' 2>/dev/null; then
  say "installing pycolmap"
  python3 -m venv "$venv" && "$venv/bin/pip" install -q 'pycolmap>=4,<5' numpy || echo "pycolmap is not available: its tests will be skipped"
fi
export COLMATCH_PYCOLMAP_PYTHON="$venv/bin/python"

# With the Python package, for the system's Python and LibTorch; scripts/test_python.sh tests `pip install .`.
say "building (release)"
configure_preset release -DCOLMATCH_TESTS=ON -DCOLMATCH_PYTHON=ON -DPython_EXECUTABLE=/usr/bin/python3 -DCOLMATCH_WERROR=ON
cmake --build "$ROOT/build/release"

say "building with LibTorch alone (core)"
configure_preset core -DCOLMATCH_TESTS=OFF -DCOLMATCH_WERROR=ON
cmake --build "$ROOT/build/core"

say "checking with clang-tidy"
"$ROOT/scripts/tidy.sh"

# Two minutes: the readers of files from outside, without LibTorch's compile times.
say "testing the readers under ASan and UBSan"
install_packages "$SANITIZER_PACKAGE"
configure_preset fuzz
cmake --build "$ROOT/build/fuzz" --target readers_test
ASAN_OPTIONS=detect_stack_use_after_return=1 "$ROOT/build/fuzz/readers_test" --gtest_brief=1

# For GPUs: compiled and linked, nothing of it runs here. PyPI's torch is LibTorch's build for CUDA 13.
torch="$ROOT/deps/torch-cuda"
if ! nvcc --version 2>/dev/null | grep -q 'release 13'; then
  echo "no nvcc of CUDA 13 here: the build for GPUs is skipped"
elif [ ! -d "$torch/torch" ] && ! "$venv/bin/pip" install -q --no-deps --target "$torch" 'torch>=2.11,<2.12'; then
  echo "PyPI's torch is not available: the build for GPUs is skipped"
else
  say "building for GPUs (gpu)"
  COLMATCH_TORCH="$torch/torch" configure_preset gpu -DCOLMATCH_TESTS=OFF
  cmake --build "$ROOT/build/gpu"
fi

say "testing"
cd "$ROOT/build/release"
exec ctest --output-on-failure --no-tests=error --parallel "$(nproc)" "$@"
