#!/usr/bin/env python3
"""The tables of docs/scale.md: what collections of 10^4 to 10^8 photos cost, from a few rates. Standard library only.

scripts/scale_model.py [--gpu_pair_ms 70 ...]   every rate can be replaced by one's own; prints Markdown
"""
import argparse

UNITS = ((365.25 * 86400, "years"), (86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds):
    for size, name in UNITS:
        if seconds >= size:
            value = seconds / size
            return f"{value:.0f} {name}" if value >= 10 else f"{value:.1f} {name}"
    return "under 1 s"


def size(num_bytes):
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} {unit}" if num_bytes >= 10 or unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.0f} EB"


def power(value):
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keypoints", type=int, default=2048, help="a photo")
    parser.add_argument("--descriptor_dim", type=int, default=256)
    parser.add_argument("--matches", type=int, default=200, help="a pair, half of them inliers")
    parser.add_argument("--neighbours", type=int, default=20, help="pairs a photo where not all are matched")
    parser.add_argument("--gpu_pair_ms", type=float, default=70, help="assumed: a GTX 1080, from SuperGlue's paper")
    parser.add_argument("--cpu_pair_s", type=float, default=1.1, help="one core, with verification: docs/protocol_results.md")
    parser.add_argument("--merge_pairs_per_s", type=float, default=25000, help="measured: docs/scale.md")
    parser.add_argument("--cores", type=int, default=1000)
    parser.add_argument("--gpus", type=int, default=16)
    parser.add_argument("--max_blocks", type=int, default=1000)
    parser.add_argument("--loads", type=float, default=3.5, help="times a photo's features are read")
    o = parser.parse_args()

    descriptors = 4 * o.keypoints * o.descriptor_dim
    # Rows of matches, geometry and provenance: 8 bytes a match and an inlier, 4 a confidence, matrices and text.
    pair_row = 8 * o.matches + 8 * o.matches // 2 + 4 * o.matches + 3 * 72 + 150
    on_disk = 1.1  # pages of 16 KiB that are filled in order
    images = [10 ** e for e in (4, 5, 6, 7, 8)]

    print(f"One photo: {size(12 * o.keypoints)} keypoints and scores, {size(descriptors)} descriptors. "
          f"One pair: {size(pair_row)}.\n")
    print("What is to be done and stored\n")
    table(["photos", "all pairs", f"{o.neighbours} a photo", "descriptors", "keypoints", "rows of pairs", "plan in memory"],
          [[power(n), power(n * (n - 1) / 2), power(n * o.neighbours), size(n * descriptors), size(12 * n * o.keypoints),
            size(n * o.neighbours * pair_row * on_disk), size(40 * n * o.neighbours)] for n in images])
    print("How long it takes\n")
    gpu, cpu = o.gpu_pair_ms / 1000, o.cpu_pair_s
    table(["photos", "all pairs, 1 GPU", f"{o.neighbours} a photo, 1 GPU", f"{o.gpus} GPUs", f"{o.cores} cores", "merge",
           f"a task of {o.max_blocks}, GPU", "its features"],
          [[power(n), duration(n * (n - 1) / 2 * gpu), duration(n * o.neighbours * gpu),
            duration(n * o.neighbours * gpu / o.gpus), duration(n * o.neighbours * cpu / o.cores),
            duration(n * o.neighbours / o.merge_pairs_per_s), duration(n * o.neighbours * gpu / o.max_blocks),
            size(n * o.loads * descriptors / o.max_blocks)] for n in images])
    print("Where SQLite ends, pages of 16 KiB, one file with descriptors / without\n")
    limit = 1073741823 * 16384  # SQLITE_MAX_PAGE_COUNT of Debian's 3.40
    rest = 12 * o.keypoints + o.neighbours * pair_row * on_disk
    table(["limit", "photos with descriptors", "without"],
          [[size(limit), power(limit / (rest + descriptors)), power(limit / rest)]])


main()
