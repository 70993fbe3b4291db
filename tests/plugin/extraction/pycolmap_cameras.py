"""Projects and unprojects with pycolmap, for camera_pycolmap_test.cc.

Input: one line per case: model id, width, height, number of parameters, parameters, u, v. Output: one line each: x y of
the point (u, v, 1) in the image, and u v of that pixel again; nan where COLMAP says there is none.
"""

import sys

import pycolmap

NOTHING = (float("nan"), float("nan"))


def answer(line):
    fields = line.split()
    number = int(fields[3])
    params = [float(value) for value in fields[4 : 4 + number]]
    u, v = (float(value) for value in fields[4 + number :])
    model = next(m for m in pycolmap.CameraModelId.__members__.values() if int(m) == int(fields[0]))
    camera = pycolmap.Camera(camera_id=1, model=model, width=int(fields[1]), height=int(fields[2]), params=params)
    pixel = camera.img_from_cam([u, v, 1.0])
    if pixel is None:
        return NOTHING + NOTHING
    back = camera.cam_from_img(pixel)
    return tuple(pixel) + (NOTHING if back is None else tuple(back))


with open(sys.argv[1], encoding="ascii") as lines:
    for each in lines:
        print(*("%.17g" % value for value in answer(each)))
