#!/usr/bin/env python3
"""Tables of what scripts/benchmark_peers.sh measured: peer_table.py PHOTOS OUTPUT.

Reconstructs each database of OUTPUT with pycolmap's incremental mapper, where pycolmap is installed.
"""
import json
import sqlite3
import sys
import tempfile
from pathlib import Path

try:
    import pycolmap
except ImportError:
    pycolmap = None

METHODS = {"colmatch_default": "colmatch `default`", "colmatch_fast": "colmatch `fast`",
           "colmatch_compact": "colmatch `compact`", "colmap_sift": "SIFT, COLMAP on PATH",
           "pycolmap_sift": "SIFT, pycolmap", "aliked_lightglue": "ALIKED-n16 + LightGlue",
           "xfeat_lighterglue": "XFeat + LighterGlue"}


def cost_table(output):
    rows = {}
    path = output / "cost.json"
    for r in json.loads(path.read_text())["results"] if path.exists() else []:
        ms = r["median_ms"]
        pair = ms["layers"] + ms["transport"] + ms["guidance"]
        rows.setdefault(f'colmatch `{r["weights"]}`, {r["precision"]}', {})[r["num_keypoints"]] = (ms["superpoint"], pair)
    for method, name in (("aliked", "ALIKED-n16 + LightGlue"), ("xfeat", "XFeat + LighterGlue")):
        for keypoints in (1024, 2048):
            path = output / f"cost_{method}_{keypoints}.json"
            if path.exists():
                times = json.loads(path.read_text())
                rows.setdefault(name, {})[keypoints] = (times["image_ms"], times["pair_ms"])
    if not rows:
        return
    print("| one thread | ms an image | ms a pair, 1,024 keypoints | ms a pair, 2,048 |\n|---|---|---|---|")
    for name, cost in rows.items():
        pair = {n: f"{cost[n][1]:.0f}" if n in cost else "-" for n in (1024, 2048)}
        print(f"| {name} | {max(image for image, _ in cost.values()):.0f} | {pair[1024]} | {pair[2048]} |")
    print()


def verified(database):
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT count(*), sum(rows) FROM two_view_geometries WHERE rows > 0").fetchone()


def reconstruct(database, photos):
    """(registered photos, points, mean track length, mean reprojection error in px) of the largest model."""
    if pycolmap is None:
        return ("-",) * 4
    options = pycolmap.IncrementalPipelineOptions()
    with tempfile.TemporaryDirectory() as folder:
        models = pycolmap.incremental_mapping(database, photos, folder, options=options)
    if not models:
        return 0, 0, 0, 0
    best = max(models.values(), key=lambda m: m.num_reg_images())
    return (best.num_reg_images(), best.num_points3D(), f"{best.compute_mean_track_length():.2f}",
            f"{best.compute_mean_reprojection_error():.2f}")


def whole_table(photos, output):
    print("| features and all pairs, defaults | features s | matches s | sum s | verified pairs | inliers | registered |"
          " points | track length | reprojection px |\n|---|---|---|---|---|---|---|---|---|---|")
    for method, name in METHODS.items():
        path = output / f"{method}.json"
        if not path.exists():
            continue
        times = json.loads(path.read_text())
        pairs, inliers = verified(output / f"{method}.db")
        registered, points, length, error = reconstruct(output / f"{method}.db", photos)
        print(f'| {name} | {times["extraction_s"]:.1f} | {times["matching_s"]:.1f} | '
              f'{times["extraction_s"] + times["matching_s"]:.1f} | {pairs} | {inliers or 0} | {registered} | {points} | '
              f"{length} | {error} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    cost_table(Path(sys.argv[2]))
    whole_table(sys.argv[1], Path(sys.argv[2]))
