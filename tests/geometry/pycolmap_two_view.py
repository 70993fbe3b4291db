"""Prints what pycolmap says about pairs of two_view_geometry_test.cc: one line each, configuration and inlier indices.

Each input file: two lines of cameras (id, model, width, height, prior, parameters), then x1 y1 x2 y2 per match.
"""

import sys

import numpy as np
import pycolmap


def read_camera(line):
    fields = line.split()
    camera = pycolmap.Camera(
        camera_id=int(fields[0]),
        model=fields[1],
        width=int(fields[2]),
        height=int(fields[3]),
        params=[float(value) for value in fields[5:]],
    )
    camera.has_prior_focal_length = fields[4] == "1"
    return camera


def estimate(path):
    with open(path, encoding="ascii") as lines:
        camera1, camera2 = read_camera(next(lines)), read_camera(next(lines))
        points = np.loadtxt(lines)
    matches = np.repeat(np.arange(len(points), dtype=np.uint32)[:, None], 2, axis=1)
    options = pycolmap.TwoViewGeometryOptions()
    options.compute_relative_pose = True
    pycolmap.set_random_seed(0)
    return pycolmap.estimate_two_view_geometry(
        camera1, points[:, :2], camera2, points[:, 2:], matches, options
    )


for argument in sys.argv[1:]:
    geometry = estimate(argument)
    print(int(geometry.config), *geometry.inlier_matches[:, 0])
