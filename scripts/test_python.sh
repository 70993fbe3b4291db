#!/usr/bin/env bash
# `pip install .` into a fresh environment, then the package's tests, the notebook, and a wheel. It compiles everything once
# more: about 15 minutes on two free cores; scripts/test.sh tests the package of its build folder instead.
# Usage: scripts/test_python.sh [system|torch]
#   system (default): against the system's LibTorch; what needs the Python package torch is skipped, and pytest says so
#   torch: against PyPI's torch, which is installed first
# CMAKE_BUILD_PARALLEL_LEVEL=N limits the compilers that run at once. The environment stays: build/python-system, -torch.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

libtorch="${1:-system}"
venv="$ROOT/build/python-$libtorch"
packages=("${PIP_PACKAGES[@]}" colmap)
case "$libtorch" in
  system) packages+=("${LIBTORCH_PACKAGES[@]}") ;;
  torch) ;;
  *) echo "error: $libtorch: expected system or torch" >&2; exit 1 ;;
esac
install_packages "${packages[@]}"

rm -rf "$venv"
/usr/bin/python3 -m venv "$venv"
[ "$libtorch" = system ] || "$venv/bin/pip" install -q torch numpy

say "pip install . ($libtorch)"
begin=$SECONDS
COLMATCH_TORCH="$([ "$libtorch" = torch ] || echo system)" "$venv/bin/pip" install -q "$ROOT[hdf5,progress]"
folder="$("$venv/bin/python" -c 'import colmatch, pathlib; print(pathlib.Path(colmatch.__file__).parent)')"
echo "pip install . took $((SECONDS - begin)) s; the package has $(du -sh "$folder" | cut -f1)"

say "testing what was installed"
"$venv/bin/pip" install -q pytest opencv-python-headless nbclient nbformat ipykernel matplotlib
COLMATCH_LEAK_CALLS=10000 COLMATCH_PROGRAM="$venv/bin/colmatch" "$venv/bin/python" -m pytest -q -rs -p no:cacheprovider "$ROOT/tests/python"
