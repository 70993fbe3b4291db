#!/usr/bin/env python3
"""Sets entries of the metadata of a weights file (.safetensors); the tensors stay as they are. The file's hash
changes, so that databases made before count as made with other weights.

usage: set_weights_metadata.py WEIGHTS.safetensors KEY=VALUE ...       (KEY= removes the key)
       set_weights_metadata.py weights/fast/superglue.safetensors min_neighbors=1 neighbor_similarity=0.8
       set_weights_metadata.py weights/fast/superpoint.safetensors place_radius=3
Keys: docs/weights_format.md.
"""
import json
import os
import struct
import sys


def main():
    if len(sys.argv) < 3 or any("=" not in entry for entry in sys.argv[2:]):
        sys.exit(__doc__)
    path = sys.argv[1]
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, tensors = json.loads(file.read(size)), file.read()
    metadata = header["__metadata__"]
    for entry in sys.argv[2:]:
        key, value = entry.split("=", 1)
        metadata.pop(key, None)
        if value:
            metadata[key] = value
    header["__metadata__"] = dict(sorted(metadata.items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + tensors)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
