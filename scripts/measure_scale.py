#!/usr/bin/env python3
"""Measures what planning and merging cost, on a made-up collection: scripts/measure_scale.py COLMATCH FOLDER [OPTION...]

Images lie in clusters of 100; each has --pairs_per_image pairs, one in ten with any other image. With --matches M > 0
shards of M matches a pair are written in place of the tasks' and merged. Prints seconds (wall and CPU), pairs a second,
and the largest memory. Standard library only; the formats are those of docs/cluster_files.md.
"""
import argparse
import os
import random
import resource
import sqlite3
import struct
import subprocess
import time
import zlib


def run(label, arguments, num_pairs):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    process = subprocess.Popen(arguments)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.time() - start
    if status != 0:
        raise SystemExit(f"{label} ended with status {status}")
    cpu = usage.ru_utime + usage.ru_stime
    print(f"{label}: {wall:.1f} s, {cpu:.1f} s of CPU, {num_pairs / wall:.0f} pairs/s "
          f"({num_pairs / cpu:.0f} per CPU second), at most {usage.ru_maxrss / 1024:.0f} MiB", flush=True)


def make_database(colmatch, folder, num_images, keypoints):
    """An empty database of colmatch's own, filled with images of so many equal keypoints."""
    path = f"{folder}/database.db"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    subprocess.run([colmatch, "demo_scene", "--output_path", f"{folder}/demo", "--num_images", "2", "--width", "160",
                    "--height", "120"], **quiet)
    subprocess.run([colmatch, "feature_extractor", "--database_path", path, "--image_path", f"{folder}/demo/images",
                    "--weights", "fast"], **quiet)
    database = sqlite3.connect(path)
    provenance = database.execute("SELECT provenance FROM colmatch_images").fetchone()[0]
    for table in ("frame_data", "frames", "rigs", "colmatch_images", "descriptors", "keypoints", "images"):
        database.execute(f"DELETE FROM {table}")
    camera = database.execute("SELECT camera_id FROM cameras").fetchone()[0]
    xy = struct.pack("<2f", 1, 1) * keypoints
    descriptors = struct.pack("<4f", 1, 0, 0, 0) * keypoints
    scores = struct.pack("<f", 1) * keypoints
    ids = range(1, num_images + 1)
    database.executemany("INSERT INTO images (image_id, name, camera_id) VALUES (?, ?, ?)",
                         ((i, f"{i}.jpg", camera) for i in ids))
    database.executemany("INSERT INTO keypoints VALUES (?, ?, 2, ?)", ((i, keypoints, xy) for i in ids))
    database.executemany("INSERT INTO descriptors (image_id, rows, cols, data, type) VALUES (?, ?, 16, ?, -1)",
                         ((i, keypoints, descriptors) for i in ids))
    database.executemany("INSERT INTO colmatch_images VALUES (?, ?, ?)", ((i, provenance, scores) for i in ids))
    database.commit()
    database.close()
    return path


def write_pairs(path, num_images, pairs_per_image):
    rng = random.Random(1)
    places = list(range(1, num_images + 1))
    rng.shuffle(places)
    count = 0
    with open(path, "w") as file:
        for i in range(num_images):
            start, size = i // 100 * 100, min(100, num_images - i // 100 * 100)
            lines = []
            for _ in range(pairs_per_image):
                j = int(rng.random() * num_images) if rng.random() < 0.1 else start + int(rng.random() * size)
                if j != i:
                    lines.append(f"{places[i]}.jpg {places[j]}.jpg\n")
            count += len(lines)
            file.writelines(lines)
    return count


def record(data):
    return struct.pack("<II", len(data), zlib.crc32(data)) + data


def read_blocks(plan):
    """The image ids of every block's pairs."""
    import json
    manifest = json.load(open(f"{plan}/manifest.json"))
    with open(f"{plan}/blocks.cmr", "rb") as file:
        for block in manifest["blocks"]:
            file.seek(block["offset"] + 8)
            data, at = file.read(block["size"]), 0

            def take(form):
                nonlocal at
                values = struct.unpack_from(form, data, at)
                at += struct.calcsize(form)
                return values
            for _ in range(take("<I")[0]):
                take("<IiqqB")
                take(f"<{take('<I')[0]}d")
            ids = []
            for _ in range(take("<I")[0]):
                image_id, length = take("<II")
                ids.append(image_id)
                at += length
                take("<4IQI")
            flat = take(f"<{2 * take('<I')[0]}I")
            yield [(ids[i], ids[j]) for i, j in zip(flat[::2], flat[1::2])]


def write_shards(plan, num_matches):
    import hashlib
    digest = hashlib.sha256(open(f"{plan}/manifest.json", "rb").read()).hexdigest()
    matches = struct.pack("<I", num_matches) + b"".join(struct.pack("<2I", m, m) for m in range(num_matches))
    scores = struct.pack("<I", num_matches) + struct.pack("<f", 0.5) * num_matches
    geometry = (struct.pack("<i", 3) + matches + struct.pack("<B9d", 1, *range(9)) + struct.pack("<BBBB", 0, 0, 0, 0))
    count = 0
    for block, pairs in enumerate(read_blocks(plan)):
        header = f"matches manifest {digest} block {block}".encode()
        with open(f"{plan}/shards/block_{block:04d}.cmr", "wb") as file:
            file.write(b"CMRECRD1" + struct.pack("<I", len(header)) + header + struct.pack("<I", zlib.crc32(header)))
            for pair in sorted(pairs):
                file.write(record(struct.pack("<2I", *pair) + matches + scores + geometry))
            number = struct.pack("<Q", len(pairs))
            file.write(struct.pack("<II", 0xFFFFFFFF, zlib.crc32(number)) + number)
        count += len(pairs)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("colmatch")
    parser.add_argument("folder")
    parser.add_argument("--images", type=int, default=20000)
    parser.add_argument("--pairs_per_image", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=100)
    parser.add_argument("--matches", type=int, default=100, help="0: planning only")
    o = parser.parse_args()
    os.makedirs(o.folder, exist_ok=True)
    keypoints = max(1, o.matches)
    database = make_database(o.colmatch, o.folder, o.images, keypoints)
    named = write_pairs(f"{o.folder}/pairs.txt", o.images, o.pairs_per_image)
    plan = f"{o.folder}/plan"
    run("plan", [o.colmatch, "plan", "--database_path", database, "--output_path", plan, "--weights", "fast", "--pairs",
                 "list", "--match_list_path", f"{o.folder}/pairs.txt", "--num_blocks", str(o.blocks), "--progress", "off"],
        named)
    if o.matches == 0:
        return
    pairs = write_shards(plan, o.matches)
    merge = [o.colmatch, "merge", "--manifest", plan, "--database_path", database, "--progress", "off"]
    run("merge", merge, pairs)
    size = os.path.getsize(database)
    print(f"database: {size / 1e6:.0f} MB")
    run("merge again", merge, pairs)


main()
