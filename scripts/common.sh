# Shared by the scripts: what has to be installed, and the build. Sourced, not run.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Names as Debian 12 has them.
LIBTORCH_PACKAGES=(libtorch-dev libopenblas0-pthread)
LIBRARY_PACKAGES=(
  libopencv-dev libceres-dev libsqlite3-dev libexiv2-dev libjpeg-dev zlib1g-dev
  libcli11-dev libspdlog-dev nlohmann-json3-dev
)
PACKAGES=(
  g++ clang cmake ninja-build ccache pkg-config
  "${LIBTORCH_PACKAGES[@]}" libgloo-dev
  "${LIBRARY_PACKAGES[@]}"
  colmap gnuplot-nox python3-pip  # pip fetches the viewer of reports (scripts/fetch_viewer.sh)
)
TEST_PACKAGES=(
  libgtest-dev libgmock-dev python3-venv sqlite3 dpkg-dev file
  munge slurmctld slurmd slurm-client parallel
)
# Of the Python package (python/) in the build folder, with -DCOLMATCH_PYTHON=ON, and of its tests.
PYTHON_PACKAGES=(
  python3-dev pybind11-dev python3-numpy python3-pytest python3-torch python3-opencv python3-h5py python3-tqdm
  python3-nbclient python3-nbformat python3-ipykernel python3-matplotlib mypy
)
# Of `pip install .`, beside a LibTorch: docs/python.md lists them.
PIP_PACKAGES=(g++ clang cmake ninja-build ccache pkg-config python3-dev python3-venv "${LIBRARY_PACKAGES[@]}")

# What differs between releases.
RELEASE="$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown}-${VERSION_ID:-unknown}")"
FORMAT_PACKAGE=clang-format-14          # its version decides how the code looks
SANITIZER_PACKAGE=libclang-rt-14-dev    # of the release's clang
case "$RELEASE" in
  debian-12) ;;
  debian-13) FORMAT_PACKAGE= SANITIZER_PACKAGE=libclang-rt-19-dev ;;  # has no clang-format 14
  ubuntu-24.04) SANITIZER_PACKAGE=libclang-rt-18-dev ;;  # from its package lists: nobody has tried it
esac

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install PACKAGE...: those that are missing, and only those.
install_packages() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || {
    echo "error: ${missing[*]} are missing and there is no apt-get to install them; see README.md, Install" >&2
    exit 3
  }
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# configure_preset PRESET [CMAKE OPTION...]
configure_preset() {
  local preset="$1" log
  shift
  log="$ROOT/build/$preset-configure.log"
  mkdir -p "$ROOT/build"
  (cd "$ROOT" && cmake --preset "$preset" "$@") > "$log" 2>&1 || { cat "$log" >&2; exit 3; }
}
