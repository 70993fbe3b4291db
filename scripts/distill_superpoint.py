#!/usr/bin/env python3
"""Trains a SuperPoint on a teacher's keypoints and descriptors of single photos, with torch 2 (bf16, AMX where it is).

usage: distill_superpoint.py PHOTOS TARGETS OUTPUT --initial WEIGHTS [--cpu_seconds 6000] [--batch 8] [--seed 1]

TARGETS is the folder that teach_descriptors.py wrote for PHOTOS. Each sample is a crop of one photo, in one of ten
cases (--untouched_share) warped and disturbed: the student must give the teacher's descriptors of the undisturbed photo
at the teacher's points (cosine and InfoNCE over the batch) and detect the teacher's keypoints (cross-entropy over the 65
channels). An interrupted run goes on from OUTPUT/checkpoint.pt; files that are added to TARGETS are taken in.
OUTPUT/superpoint.safetensors holds the running mean of the weights, OUTPUT/log.txt a line for each 50 steps. The
teacher's keypoints are not peaks of the Hessian: the written weights refine keypoints by the scores.

`colmatch train superpoint --SuperPoint.targets` learns from the same targets beside its own losses. This script is for
machines where torch 2 is much faster than LibTorch 1.13, whose bf16 gradients are not finite with AMX: 0.04 s of CPU time a
crop of 256 x 256 for the shipped `default`, one thread of a Sapphire Rapids.

Needs torch 2, opencv and the package colmatch (`pip install .`, or PYTHONPATH=build/release/python)."""

import argparse
import math
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from colmatch.torch import SuperPoint
from teach_descriptors import read_rgb, read_targets

CROP = 256


def read_folder(folder):
    """read_targets of all files of a folder."""
    taught = {}
    for path in sorted(folder.glob("*.targets")):
        taught.update(read_targets(path))
    return taught


def random_crop(rng, width, height):
    """From the photo to a crop of it, as it is."""
    x, y = (math.floor(rng.uniform(0, max(0, side - CROP))) for side in (width, height))
    return np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]], np.float64)


def random_homography(rng, width, height):
    """From the photo to a crop: mostly near the photo's own scale and upright, a part to 40 degrees and 0.55 to 1.6."""
    wide = rng.random() < 0.3
    scale = math.exp(rng.uniform(math.log(0.55), math.log(1.6)) if wide else rng.normal(0, 0.15))
    scale = max(scale, 0.8 * CROP / max(width, height), CROP / (1.25 * min(width, height)) * 0.8)
    angle = math.radians(rng.uniform(-40, 40) if rng.random() < 0.2 else rng.normal(0, 6))
    side = CROP / scale / 2
    cx = rng.uniform(min(side, width / 2), max(width - side, width / 2))
    cy = rng.uniform(min(side, height / 2), max(height - side, height / 2))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) * side
    corners += rng.normal(0, 0.08 * side, (4, 2)) * (rng.random() < 0.5)
    corners[:, 0] *= math.exp(rng.normal(0, 0.08))
    c, s = math.cos(angle), math.sin(angle)
    corners = corners @ np.array([[c, s], [-s, c]]) + [cx, cy]
    target = np.array([[0, 0], [CROP, 0], [CROP, CROP], [0, CROP]], np.float64) - 0.5
    return cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))


def grey_of_camera(rng, bgr):
    """A camera's grey picture: its own weights of the colours, response, light and shade."""
    weights = np.array([0.114, 0.587, 0.299])
    if rng.random() < 0.5:
        weights = rng.dirichlet([1.0, 3.0, 2.0])
    grey = bgr.astype(np.float32) @ weights.astype(np.float32) / 255
    kind = rng.random()
    if kind < 0.3:
        return grey
    if rng.random() < 0.8:  # camera response
        grey = np.power(grey, math.exp(rng.normal(0, 0.35)))
    if rng.random() < 0.3:  # S-shaped or flat response
        a = rng.uniform(-0.8, 1.5)
        grey = grey + a * grey * (1 - grey) * (2 * grey - 1)
    if rng.random() < 0.35:  # light from a side, or a shadow
        gy, gx = np.mgrid[0:CROP, 0:CROP].astype(np.float32) / CROP - 0.5
        angle = rng.uniform(0, 2 * math.pi)
        edge = math.cos(angle) * gx + math.sin(angle) * gy + rng.uniform(-0.3, 0.3)
        softness = math.exp(rng.uniform(math.log(0.02), math.log(1.0)))
        grey = grey * (1 - rng.uniform(0.2, 0.8) / (1 + np.exp(-np.clip(edge / softness * 4, -30, 30))))
    if rng.random() < 0.2:  # haze
        fog = rng.uniform(0.1, 0.6)
        grey = grey * (1 - fog) + fog * rng.uniform(0.5, 0.95)
    if rng.random() < 0.15:  # night: little light, lamps
        grey = grey * rng.uniform(0.1, 0.4)
        for _ in range(rng.integers(0, 4)):
            gy, gx = np.mgrid[0:CROP, 0:CROP].astype(np.float32)
            r2 = (gx - rng.uniform(0, CROP)) ** 2 + (gy - rng.uniform(0, CROP)) ** 2
            grey = grey + rng.uniform(0.2, 0.8) * np.exp(-r2 / (2 * rng.uniform(8, 60) ** 2))
    if rng.random() < 0.8:  # contrast, brightness
        mean = grey.mean()
        grey = (grey - mean) * math.exp(rng.normal(0, 0.3)) + mean + rng.normal(0, 0.12)
    if rng.random() < 0.04:
        grey = 1 - grey
    return np.clip(grey, 0, 1).astype(np.float32)


def disturb(rng, grey):
    """Lens, sensor and file: blur, motion blur, small sensor, noise, JPEG."""
    if rng.random() < 0.35:
        grey = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.4, 2.0))
    elif rng.random() < 0.12:
        length = int(rng.integers(3, 10))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, math.pi)
        c = (length - 1) / 2
        dx, dy = math.cos(angle) * c, math.sin(angle) * c
        cv2.line(kernel, (round(c - dx), round(c - dy)), (round(c + dx), round(c + dy)), 1.0)
        grey = cv2.filter2D(grey, -1, kernel / kernel.sum())
    if rng.random() < 0.1:
        side = int(CROP * rng.uniform(0.4, 0.9))
        small = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
        grey = cv2.resize(small, (CROP, CROP), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.2:
        grey = grey + rng.uniform(0.3, 1.5) * (grey - cv2.GaussianBlur(grey, (0, 0), 1.5))
    if rng.random() < 0.5:
        sigma = math.exp(rng.uniform(math.log(0.004), math.log(0.06)))
        noise = rng.standard_normal(grey.shape, dtype=np.float32)
        if rng.random() < 0.3:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * 2
        grey = grey + sigma * noise
    byte = np.clip(grey * 255 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(12, 90))
        byte = cv2.imdecode(cv2.imencode(".jpg", byte, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
    return byte


class Samples:
    def __init__(self, photos, taught, a):
        self.photos, self.taught, self.num_points = photos, taught, a.points
        self.untouched_share = a.untouched_share
        self.names = sorted(taught)
        self.cache = {}

    def photo(self, name):
        if name not in self.cache:
            ok, data = cv2.imencode(".jpg", read_rgb(self.photos / name)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
            self.cache[name] = data
        return cv2.imdecode(self.cache[name], cv2.IMREAD_COLOR)

    def sample(self, rng, name):
        bgr = self.photo(name)
        width, height, points, descriptors = self.taught[name]
        assert bgr.shape[:2] == (height, width), name
        untouched = rng.random() < self.untouched_share
        h = random_crop(rng, width, height) if untouched else random_homography(rng, width, height)
        warped = cv2.warpPerspective(bgr, h, (CROP, CROP), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101)
        if untouched:
            byte = cv2.cvtColor(warped, cv2.COLOR_BGR2GRAY)
        else:
            byte = disturb(rng, grey_of_camera(rng, warped))

        def project(xy):
            p = np.c_[xy, np.ones(len(xy))] @ h.T
            return p[:, :2] / p[:, 2:]

        def inside(xy, margin):
            return ((xy > margin) & (xy < CROP - 1 - margin)).all(1)

        at = project(points[:, :2])
        keep = np.nonzero(inside(at, 4))[0]
        if len(keep) > self.num_points:
            keep = rng.choice(keep, self.num_points, replace=False)
        # Cells of the label: 64 is "no keypoint", -100 outside of the photo.
        yx = np.stack(np.mgrid[0:CROP:8, 0:CROP:8], -1).reshape(-1, 2)[:, ::-1] + 3.5
        back = np.linalg.inv(h)
        q = np.c_[yx, np.ones(len(yx))] @ back.T
        q = q[:, :2] / q[:, 2:]
        label = np.where((q > 6).all(1) & (q[:, 0] < width - 7) & (q[:, 1] < height - 7), 64, -100)
        keypoints = points[points[:, 2] > 0]
        k = np.rint(project(keypoints[:, :2])).astype(int)
        order = np.argsort(keypoints[:, 2])
        for i in order[((k >= 0) & (k < CROP)).all(1)[order]]:
            x, y = k[i]
            cell = (y // 8) * (CROP // 8) + x // 8
            if label[cell] != -100:
                label[cell] = (y % 8) * 8 + x % 8
        return byte, at[keep].astype(np.float32), descriptors[keep].astype(np.float32), label

    def batch(self, rng, size):
        images, xy, target, owner, labels = [], [], [], [], []
        for i, name in enumerate(rng.choice(self.names, size, replace=False)):
            byte, at, descriptors, label = self.sample(rng, name)
            images.append(byte)
            xy.append(at)
            target.append(descriptors)
            owner.append(np.full(len(at), i))
            labels.append(label)
        images = torch.from_numpy(np.stack(images)).float().div_(255)[:, None]
        return (images, [torch.from_numpy(p) for p in xy], torch.from_numpy(np.concatenate(target)),
                torch.from_numpy(np.concatenate(owner)), torch.from_numpy(np.stack(labels)))


def losses(model, batch, temperature=0.06):
    images, xy, target, owner, labels = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        x = images.contiguous(memory_format=torch.channels_last)
        for i in range(1, 5):
            x = F.relu(getattr(model, f"conv{i}a")(x))
            x = F.relu(getattr(model, f"conv{i}b")(x))
            if i < 4:
                x = F.max_pool2d(x, 2)
        logits = model.convPb(F.relu(model.convPa(x)))
        dense = model.convDb(F.relu(model.convDa(x)))
    logits = logits.float().flatten(2)
    dense = F.normalize(dense.float(), dim=1)
    student = torch.cat([model.sample(p[None], dense[i : i + 1])[0].T for i, p in enumerate(xy) if len(p)])
    target = F.normalize(target, dim=1)
    similarity = student @ target.T / temperature
    at = torch.cat([p for p in xy if len(p)])
    near = (owner[:, None] == owner[None]) & (torch.cdist(at, at) < 6)
    near.fill_diagonal_(False)
    similarity = similarity.masked_fill(near, -1e4)
    right = torch.arange(len(at))
    contrast = 0.5 * (F.cross_entropy(similarity, right) + F.cross_entropy(similarity.T, right))
    cosine = (student * target).sum(1).mean()
    detector = F.cross_entropy(logits, labels, ignore_index=-100)
    accuracy = (similarity.argmax(1) == right).float().mean()
    return contrast, cosine, detector, accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("targets", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--initial", required=True)
    parser.add_argument("--cpu_seconds", type=float, default=6000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--points", type=int, default=128)
    parser.add_argument("--learning_rate", type=float, default=1.5e-3)
    parser.add_argument("--cosine_weight", type=float, default=4.0)
    parser.add_argument("--contrast_weight", type=float, default=0.3)
    parser.add_argument("--detector_weight", type=float, default=1.0)
    parser.add_argument("--untouched_share", type=float, default=0.9,
                        help="share of the crops that are neither warped nor disturbed")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    a.output.mkdir(parents=True, exist_ok=True)
    samples = Samples(a.photos, read_folder(a.targets), a)
    model = SuperPoint.load(a.initial).train().to(memory_format=torch.channels_last)
    mean = SuperPoint.load(a.initial)
    mean.refinement, mean.refinement_radius = "scores", 1
    optimizer = torch.optim.AdamW(model.parameters(), lr=a.learning_rate, weight_decay=1e-4)
    step, spent = 0, 0.0
    checkpoint = a.output / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        mean.load_state_dict(state["mean"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    log = open(a.output / "log.txt", "a", buffering=1)
    rng = np.random.default_rng([a.seed, step])
    last, begun = time.process_time(), time.time()
    sums = np.zeros(4)
    while spent < a.cpu_seconds:
        share = spent / a.cpu_seconds
        rate = a.learning_rate * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        contrast, cosine, detector, accuracy = losses(model, samples.batch(rng, a.batch))
        loss = a.contrast_weight * contrast + a.cosine_weight * (1 - cosine) + a.detector_weight * detector
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        if not torch.isfinite(norm):
            sys.exit(f"error: gradient is not finite at step {step}")
        optimizer.step()
        with torch.no_grad():
            decay = min(0.999, (step + 1) / (step + 10))
            for m, p in zip(mean.parameters(), model.parameters()):
                m.lerp_(p, 1 - decay)
        step += 1
        now = time.process_time()
        spent += now - last
        last = now
        sums += [contrast.item(), cosine.item(), detector.item(), accuracy.item()]
        if step % 50 == 0:
            s = sums / 50
            sums[:] = 0
            print(f"step {step} cpu_s {spent:.0f} contrast {s[0]:.4f} cosine {s[1]:.4f} "
                  f"detector {s[2]:.4f} accuracy {s[3]:.4f} rate {rate:.2e} wall {time.time() - begun:.0f}", file=log)
        if step % 200 == 0 or spent >= a.cpu_seconds:
            part = checkpoint.with_suffix(".part")
            torch.save({"model": model.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step, "spent": spent}, part)
            os.replace(part, checkpoint)
            mean.save(a.output / "superpoint.safetensors", {"trained_by": "colmatch, scripts/distill_superpoint.py"})
            if step % 1000 == 0:
                samples.taught = read_folder(a.targets)
                samples.names = sorted(samples.taught)


if __name__ == "__main__":
    main()
