#!/usr/bin/env python3
"""All pairs of collections with true cameras, for `colmatch evaluate pose`.

Usage: scripts/truth_pairs.py OUTPUT COLLECTION...
A collection is a folder with images/NAME.jpg and gt/NAME.jpg.camera (Strecha 2008: K, zeros, the camera's axes in the
world as columns, its centre, width and height). OUTPUT gets links to the images and pairs_with_gt.txt, whose K belongs
to the images as they are, whatever size the cameras were measured at.
"""
import itertools
import os
import struct
import sys


def jpeg_width(path):
    with open(path, "rb") as file:
        file.read(2)
        while True:
            marker, length = struct.unpack(">2sH", file.read(4))
            if marker[1] in (0xC0, 0xC1, 0xC2):
                return struct.unpack(">BHH", file.read(5))[2]
            file.seek(length - 2, 1)


def read_camera(path, image):
    values = [float(v) for v in open(path).read().split()]
    scale = jpeg_width(image) / values[24]
    k = [v * scale for v in values[:6]] + values[6:9]
    return k, [values[12:15], values[15:18], values[18:21]], values[21:24]


def relative(first, second):
    """Camera 1 from camera 0, a 4 x 4 matrix by rows."""
    (_, r0, c0), (_, r1, c1) = first, second
    rows = []
    for i in range(3):
        axis = [r1[k][i] for k in range(3)]
        rows += [sum(axis[k] * r0[k][j] for k in range(3)) for j in range(3)]
        rows.append(sum(axis[k] * (c0[k] - c1[k]) for k in range(3)))
    return rows + [0, 0, 0, 1]


def main():
    output, collections = sys.argv[1], sys.argv[2:]
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, "pairs_with_gt.txt"), "w") as pairs:
        for collection in collections:
            cameras = {}
            for name in sorted(os.listdir(os.path.join(collection, "images"))):
                image = os.path.abspath(os.path.join(collection, "images", name))
                link = os.path.basename(os.path.normpath(collection)) + "_" + name
                if not os.path.lexists(os.path.join(output, link)):
                    os.symlink(image, os.path.join(output, link))
                cameras[link] = read_camera(os.path.join(collection, "gt", name + ".camera"), image)
            for a, b in itertools.combinations(sorted(cameras), 2):
                values = cameras[a][0] + cameras[b][0] + relative(cameras[a], cameras[b])
                pairs.write(" ".join([a, b, "0", "0"] + [f"{v:.8g}" for v in values]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main()
