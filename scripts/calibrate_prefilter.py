#!/usr/bin/env python3
"""What the test of unpromising pairs (--SuperGlue.neighbor_similarity) would skip, computed from a database.

The database is one of `colmatch exhaustive_matcher --SuperGlue.min_neighbors 0`: every pair was matched. Of each pair the
largest cosine of a mutual nearest neighbour is computed; a pair whose largest cosine is below a threshold would have been
skipped with min_neighbors 1. Prints, for each threshold, the verified pairs and inliers that would be lost and the share
of the remaining pairs that would be skipped. The chosen threshold goes into the metadata of SuperGlue's weights:
`scripts/set_weights_metadata.py WEIGHTS.safetensors min_neighbors=1 neighbor_similarity=THRESHOLD`.

usage: calibrate_prefilter.py DATABASE [--others 300] [--thresholds 0.65,0.7,0.75,0.8]
Needs numpy; the bounds of the project are 0.5 % of the verified pairs and 0.1 % of the inliers.
"""
import argparse
import random
import sqlite3

import numpy as np

MAX_IMAGE_ID = 2147483647  # COLMAP: pair_id = smaller id * this + larger id


def descriptors_of(database):
    query = "SELECT image_id, rows, cols, data FROM descriptors"
    return {image: np.frombuffer(data, np.float32).reshape(rows, cols // 4) for image, rows, cols, data in
            database.execute(query)}


def largest_mutual_cosine(first, second):
    """first (N, D), second (M, D), unit rows; -1 where there is none."""
    cosines = first @ second.T
    nearest, back = cosines.argmax(1), cosines.argmax(0)
    mutual = back[nearest] == np.arange(len(first))
    return float(cosines[np.arange(len(first)), nearest][mutual].max(initial=-1))


def table(args):
    database = sqlite3.connect(f"file:{args.database}?mode=ro", uri=True)
    descriptors = descriptors_of(database)
    rows = dict(database.execute("SELECT pair_id, rows FROM two_view_geometries"))
    verified = {pair: count for pair, count in rows.items() if count > 0}
    others = sorted(pair for pair in dict(database.execute("SELECT pair_id, 0 FROM matches")) if pair not in verified)
    sample = random.Random(1).sample(others, min(args.others, len(others)))
    cosine = {pair: largest_mutual_cosine(descriptors[pair // MAX_IMAGE_ID], descriptors[pair % MAX_IMAGE_ID])
              for pair in [*verified, *sample]}
    inliers = sum(verified.values())
    print("| neighbor_similarity | verified pairs lost | inliers lost | other pairs skipped |\n|---|---|---|---|")
    for threshold in args.thresholds:
        lost = [pair for pair in verified if cosine[pair] < threshold]
        skipped = np.mean([cosine[pair] < threshold for pair in sample]) if sample else float("nan")
        lost_inliers = sum(verified[pair] for pair in lost)
        print(f"| {threshold:g} | {len(lost)} of {len(verified)} ({100 * len(lost) / len(verified):.2f} %) | "
              f"{lost_inliers} of {inliers} ({100 * lost_inliers / inliers:.3f} %) | {100 * skipped:.0f} % |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("--others", type=int, default=300, help="unverified pairs tried, drawn at random (seed 1)")
    parser.add_argument("--thresholds", type=lambda text: [float(x) for x in text.split(",")],
                        default=[0.6, 0.65, 0.7, 0.725, 0.75, 0.775, 0.8, 0.825])
    table(parser.parse_args())


if __name__ == "__main__":
    main()
