#!/usr/bin/env bash
# Copies the header-only libraries into a folder, for a machine that has LibTorch and no package manager:
# cmake --preset gpu -DCOLMATCH_HEADERS=FOLDER. Usage: scripts/pack_headers.sh FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
folder="${1:?usage: scripts/pack_headers.sh FOLDER}"
install_packages libcli11-dev libspdlog-dev nlohmann-json3-dev libfmt-dev
mkdir -p "$folder"
for library in CLI nlohmann spdlog fmt; do cp -r "/usr/include/$library" "$folder/"; done
echo "$folder: $(du -sh "$folder" | cut -f1)"
