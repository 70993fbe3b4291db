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
build_against="$([ "$libtorch" = torch ] || echo system)"  # of COLMATCH_TORCH; empty: the environment's torch
TIMEFORMAT='pip install . took %R s, %U s of processor time'
time COLMATCH_TORCH="$build_against" "$venv/bin/pip" install -q "$ROOT[hdf5,progress]"
folder="$("$venv/bin/python" -c 'import colmatch, pathlib; print(pathlib.Path(colmatch.__file__).parent)')"
echo "the package has $(du -sh "$folder" | cut -f1)"

say "testing what was installed"
"$venv/bin/pip" install -q pytest opencv-python-headless nbclient nbformat ipykernel matplotlib mypy
COLMATCH_LEAK_CALLS="${COLMATCH_LEAK_CALLS:-10000}" COLMATCH_PROGRAM="$venv/bin/colmatch" "$venv/bin/python" -m pytest -q -rs -p no:cacheprovider "$ROOT/tests/python"

say "pip wheel ."
rm -rf "$venv/wheel"
COLMATCH_TORCH="$build_against" "$venv/bin/pip" wheel -q --no-deps -w "$venv/wheel" "$ROOT"
"$venv/bin/python" - "$venv"/wheel/*.whl "$libtorch" << 'END'
import importlib.metadata, pathlib, sys, zipfile
path, libtorch = pathlib.Path(sys.argv[1]), sys.argv[2]
wheel = zipfile.ZipFile(path)
metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
required = [line.split()[1] for line in wheel.read(metadata).decode().splitlines() if line.startswith("Requires-Dist: torch")]
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, requires of torch: {required or 'nothing'}")
if libtorch == "torch":
    assert required == [f"torch=={importlib.metadata.version('torch').partition('+')[0]}"], required
else:
    assert required == [], required
carried = [name for name in wheel.namelist() if "libtorch" in name or "libc10" in name]
assert not carried, carried
END
