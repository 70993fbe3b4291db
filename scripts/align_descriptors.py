#!/usr/bin/env python3
"""Turns a SuperPoint's descriptors into the space of another one's, so that a SuperGlue of the other is a usable start.

usage: align_descriptors.py PHOTOS WEIGHTS LIKE OUTPUT [--num_photos 150]

The orthogonal map that brings WEIGHTS' descriptors nearest to LIKE's at the same keypoints (Schoenemann 1966) is folded
into WEIGHTS' last layer: similarities between its descriptors stay as they are. Prints the mean cosine before and after.

Needs torch, opencv and the package colmatch (`pip install .`, or PYTHONPATH=build/release/python)."""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from colmatch.torch import SuperPoint
from teach_descriptors import read_rgb

KEYPOINTS = 400  # of a photo


def descriptors_of(network, image, keypoints):
    return network.sample(keypoints[None], network(image)["descriptors"])[0].T


@torch.no_grad()
def both_descriptors(photos, network, like):
    """Descriptors (N, D) of both networks at the keypoints of the first."""
    pairs = []
    for path in photos:
        grey = cv2.cvtColor(read_rgb(path), cv2.COLOR_RGB2GRAY)
        image = torch.from_numpy(grey).float()[None, None] / 255
        keypoints = network.extract(image, max_num_features=KEYPOINTS, scales=[1.0])["keypoints"]
        pairs.append([descriptors_of(n, image, keypoints) for n in (network, like)])
    return [torch.cat(side).double() for side in zip(*pairs)]


def fold(network, turn):
    """network's descriptors, turned by the orthogonal (D, D)."""
    last = network.convDb
    last.weight.data = (turn @ last.weight.data[:, :, 0, 0].double())[:, :, None, None].float()
    last.bias.data = (turn @ last.bias.data.double()).float()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("like")
    parser.add_argument("output", type=Path)
    parser.add_argument("--num_photos", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    photos = sorted(p for p in a.photos.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not photos:
        parser.error(f"{a.photos}: no photos (.jpg, .png) in this folder")
    chosen = np.random.default_rng(a.seed).permutation(len(photos))[: a.num_photos]
    network, like = SuperPoint.load(a.weights), SuperPoint.load(a.like)
    if network.descriptor_dim != like.descriptor_dim:
        parser.error(f"{a.weights} has descriptors of {network.descriptor_dim} numbers, {a.like} of {like.descriptor_dim}")
    own, others = both_descriptors([photos[i] for i in chosen], network, like)
    u, _, v = torch.linalg.svd(own.T @ others)
    turn = (u @ v).T
    fold(network, turn)
    print(f"{len(own)} keypoints of {len(chosen)} photos: mean cosine {(own * others).sum(1).mean():.3f} before, "
          f"{(own @ turn.T * others).sum(1).mean():.3f} after")
    network.save(a.output)


if __name__ == "__main__":
    main()
