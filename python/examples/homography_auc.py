"""Homography AUC over a folder of pairs, with colmatch and OpenCV.

    python homography_auc.py PAIRS [--weights default]

PAIRS has a folder for each pair: two images whose names sort as first and second, and H.txt, the 3 x 3 homography from
pixels of the first to pixels of the second (the first pixel's centre is (0, 0)). The error of a pair is the mean distance
of the first image's corners under the estimated and the true homography; the AUC is of its recall up to each threshold.
"""

import argparse
import json
from pathlib import Path

import colmatch
import cv2
import numpy as np

THRESHOLDS = (1, 3, 5, 10)  # pixels


def corner_error(estimated, true, size):
    """Mean distance of the corners, pixels; infinite where there is no estimate."""
    if estimated is None:
        return np.inf
    width, height = size
    corners = np.array([[[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]], np.float64)
    distances = cv2.perspectiveTransform(corners, estimated) - cv2.perspectiveTransform(corners, true)
    return float(np.linalg.norm(distances, axis=2).mean())


def auc(errors, threshold):
    """Area under the recall of the errors up to the threshold, over the threshold."""
    found = np.sort([error for error in errors if error < threshold])
    recall = np.arange(1, len(found) + 1) / len(errors)
    x = np.concatenate([[0], found, [threshold]])
    y = np.concatenate([[0], recall, recall[-1:] if len(found) else [0]])
    return float(np.sum((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2) / threshold)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--weights", default="default")
    options = parser.parse_args()
    extractor, matcher = colmatch.FeatureExtractor(options.weights), colmatch.FeatureMatcher(options.weights)
    errors = []
    for truth in sorted(options.pairs.glob("*/H.txt")) or parser.error(f"{options.pairs}: has no folder with an H.txt"):
        images = sorted(path for path in truth.parent.iterdir() if path.suffix in (".png", ".jpg", ".ppm"))
        f0, f1 = (extractor.extract(path) for path in images)
        matches, _ = matcher.match(f0, f1)
        x0, x1 = f0.keypoints[matches[:, 0]], f1.keypoints[matches[:, 1]]
        estimated = cv2.findHomography(x0, x1, cv2.RANSAC, 3.0)[0] if len(matches) >= 4 else None
        errors.append(corner_error(estimated, np.loadtxt(truth), f0.image_size))
    print(json.dumps({"num_pairs": len(errors), "auc": {str(t): auc(errors, t) for t in THRESHOLDS}}))


if __name__ == "__main__":
    main()
