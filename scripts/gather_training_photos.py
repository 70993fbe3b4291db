#!/usr/bin/env python3
"""Gathers free training photos from checkouts of public repositories into one folder.

usage: gather_training_photos.py --checkouts DIR --output PHOTOS [--folder DIR]... [--exclude DIR]...
                                 [--table TSV] [--set NAME]...

--checkouts   a folder with one entry for each repository, named OWNER+NAME or NAME: a work tree, a bare
              git directory, or a folder that holds one as `repo`. A missing repository is named and left out.
--folder      photos gathered before, with an ATTRIBUTION.csv (columns file, repo, path_in_repo, licence);
              repeatable
--exclude     photos that must never be trained on (evaluation sets): what is equal to one of them, nearly
              equal, or comes from the same file of the same repository by its ATTRIBUTION.csv is left out;
              repeatable
--table       sources, see training_photos.tsv beside this script (the default)

A photo is turned upright (EXIF), reduced to 640 pixels on its longer side and stored as JPEG of quality 90
under PHOTOS/SET. Left out are photos under 320 pixels on the shorter side, those with black corners or
borders (copies that data sets rotated), further copies of one original (`NAME.rf.HASH` of Roboflow), and
near-duplicates of a photo that was taken before (64-bit perceptual hashes). PHOTOS/ATTRIBUTION.csv names
origin and licence of every photo; a summary by source says what was taken and why the rest was not.
Needs numpy, opencv and Pillow."""

import argparse
import collections
import csv
import fnmatch
import io
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")
LONGER_SIDE, LEAST_SIDE = 640, 320
NEAR, NEAR_EXCLUDED = 6, 10  # bits of 64 that may differ
Source = collections.namedtuple("Source", "set repo commit globs left_out every limit licence")


def read_table(path):
    sources = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.rstrip("\n").split("\t")
        if len(cells) != 8:
            sys.exit(f"error: {path}:{number}: expected 8 columns separated by tabs, found {len(cells)}")
        name, repo, commit, globs, left_out, every, limit, licence = cells
        sources.append(
            Source(
                name,
                repo,
                commit,
                globs.split(),
                [] if left_out == "-" else left_out.split(),
                int(every),
                int(limit),
                licence,
            )
        )
    return sources


class Repository:
    """Files of a git directory at a commit (HEAD where the commit is not there), or of a plain folder."""

    def __init__(self, root, commit):
        self.root, self.git = root, next(
            (str(d) for d in (root / ".git", root / "repo", root) if (d / "objects").is_dir()), None
        )
        self.reader = None
        if self.git:
            known = (
                subprocess.run(
                    ["git", "--git-dir", self.git, "cat-file", "-e", commit], capture_output=True
                ).returncode
                == 0
            )
            self.commit = commit if known else "HEAD"

    def files(self):
        if not self.git:
            return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())
        listed = subprocess.run(
            ["git", "--git-dir", self.git, "ls-tree", "-r", "-z", "--name-only", self.commit],
            capture_output=True,
            check=True,
        )
        return sorted(listed.stdout.decode("utf-8", "surrogateescape").rstrip("\0").split("\0"))

    def read(self, path):
        """The file's bytes; None where the repository does not hold them."""
        if not self.git:
            return (self.root / path).read_bytes()
        if self.reader is None:
            self.reader = subprocess.Popen(
                ["git", "--git-dir", self.git, "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        self.reader.stdin.write(f"{self.commit}:{path}\n".encode("utf-8", "surrogateescape"))
        self.reader.stdin.flush()
        header = self.reader.stdout.readline().split()
        if header[-1] in (b"missing", b"ambiguous"):
            return None
        data = self.reader.stdout.read(int(header[2]) + 1)[:-1]
        return data if header[1] == b"blob" else None

    def close(self):
        if self.reader is not None:
            self.reader.stdin.close()
            self.reader.wait()


def find_repository(checkouts, source):
    owner, name = source.repo.split("/")
    root = next((checkouts / n for n in (f"{owner}+{name}", name) if (checkouts / n).is_dir()), None)
    return Repository(root, source.commit) if root else None


def decode(data):
    """Upright RGB, longer side at most LONGER_SIDE, and the original size; None, None for what is no photo."""
    try:
        image = Image.open(io.BytesIO(data))
        size = image.size
        image.draft("RGB", (2 * LONGER_SIDE, 2 * LONGER_SIDE))  # JPEG: decodes at a fraction of the size
        image = ImageOps.exif_transpose(image).convert("RGB")
    except Exception:  # Pillow raises a dozen kinds for damaged files
        return None, None
    image.thumbnail((LONGER_SIDE, LONGER_SIDE), Image.LANCZOS)
    return np.asarray(image), size


def perceptual_hash(rgb):
    """Which of the 8 x 8 lowest frequencies of the grey photo at 32 x 32 are above their median: 64 bits."""
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    low = cv2.dct(grey)[:8, :8].flatten()
    return np.packbits(low > np.median(low[1:]))


class Hashes:
    def __init__(self):
        self.rows = np.zeros((0, 8), np.uint8)

    def add(self, row):
        self.rows = np.vstack([self.rows, row[None]])

    def nearest(self, row):
        return int(np.unpackbits(self.rows ^ row, axis=1).sum(1).min()) if len(self.rows) else 65


def has_black_border(rgb):
    """Black corners or edges, as data sets add them: constant and almost zero, which no night photo is."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    black = lambda part: part.max() <= 12 and part.std() < 2.5
    corners = [grey[:16, :16], grey[:16, -16:], grey[-16:, :16], grey[-16:, -16:]]
    return sum(black(c) for c in corners) >= 2 or any(
        black(e) for e in (grey[:6], grey[-6:], grey[:, :6], grey[:, -6:])
    )


def refusal(rgb, size, taken, excluded, row):
    if rgb is None:
        return "not a photo"
    if min(rgb.shape[:2]) < 240 or min(size) < LEAST_SIDE:
        return "too small"
    if rgb.std() < 12:
        return "plain"
    if has_black_border(rgb):
        return "black border"
    if excluded.nearest(row) <= NEAR_EXCLUDED:
        return "like an excluded photo"
    if taken.nearest(row) <= NEAR:
        return "near-duplicate"
    return None


def original_of(path):
    return path.split(".rf.")[0] if ".rf." in path else path


def read_excluded(folders):
    """Hashes of the photos to leave out, and (repository, path) of those whose origin is written down."""
    hashes, origins = Hashes(), set()
    for folder in folders:
        for path in sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in EXTENSIONS):
            rgb, _ = decode(path.read_bytes())
            if rgb is not None:
                hashes.add(perceptual_hash(rgb))
        for table in Path(folder).rglob("ATTRIBUTION.csv"):
            origins |= {(r["repo"], r["path_in_repo"]) for r in csv.DictReader(open(table, encoding="utf-8"))}
    return hashes, origins


class Gatherer:
    def __init__(self, output, excluded, origins):
        self.output, self.excluded, self.origins = Path(output), excluded, origins
        self.taken, self.rows, self.counts = Hashes(), [], collections.defaultdict(collections.Counter)

    def offer(self, data, set_name, repo, path, licence):
        counts = self.counts[set_name, repo]
        if (repo, path) in self.origins:
            counts["excluded by origin"] += 1
            return
        rgb, size = decode(data) if data is not None else (None, None)
        row = perceptual_hash(rgb) if rgb is not None else None
        why = refusal(rgb, size, self.taken, self.excluded, row)
        if why:
            counts[why] += 1
            return
        self.taken.add(row)
        name = f"{set_name}/{repo.split('/')[0]}_{path.replace('/', '_').rsplit('.', 1)[0]}.jpg".replace(
            " ", "_"
        )
        (self.output / set_name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(self.output / name, quality=90)
        self.rows.append(
            dict(
                set=set_name,
                file=name,
                repo=repo,
                path_in_repo=path,
                original_size="%dx%d" % size,
                stored_size="%dx%d" % (rgb.shape[1], rgb.shape[0]),
                licence=licence,
            )
        )
        counts["taken"] += 1

    def take_repository(self, repository, source):
        wanted = [
            f
            for f in repository.files()
            if f.lower().endswith(EXTENSIONS)
            and any(fnmatch.fnmatchcase(f, g) for g in source.globs)
            and not any(fnmatch.fnmatchcase(f, g) for g in source.left_out)
        ]
        originals = list({original_of(f): f for f in reversed(wanted)}.values())[::-1]
        for path in originals[:: source.every]:
            if self.counts[source.set, source.repo]["taken"] >= source.limit:
                break
            self.offer(repository.read(path), source.set, source.repo, path, source.licence)
        repository.close()

    def take_folder(self, folder):
        table = Path(folder) / "ATTRIBUTION.csv"
        if not table.is_file():
            sys.exit(
                f"error: {folder}: no ATTRIBUTION.csv there (columns file, repo, path_in_repo, licence)"
            )
        for r in csv.DictReader(open(table, encoding="utf-8")):
            # The column `file` may begin with the folder's own name.
            path = next(
                (p for p in (Path(folder) / r["file"], Path(folder).parent / r["file"]) if p.is_file()), None
            )
            if path is not None:
                self.offer(
                    path.read_bytes(),
                    r.get("set", Path(folder).name),
                    r["repo"],
                    r["path_in_repo"],
                    r["licence"],
                )

    def finish(self):
        with open(self.output / "ATTRIBUTION.csv", "w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(
                f, ["set", "file", "repo", "path_in_repo", "original_size", "stored_size", "licence"]
            )
            writer.writeheader()
            writer.writerows(self.rows)
        for (set_name, repo), counts in self.counts.items():
            left = ", ".join(f"{n} {why}" for why, n in counts.items() if why != "taken")
            print(f"{set_name} ({repo}): {counts['taken']} taken" + (f"; left out: {left}" if left else ""))
        print(f"{len(self.rows)} photos in {self.output}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkouts", required=True, type=Path)
    parser.add_argument("--output", required=True)
    parser.add_argument("--folder", action="append", default=[])
    parser.add_argument("--exclude", action="append", default=[])
    parser.add_argument("--table", default=Path(__file__).with_name("training_photos.tsv"))
    parser.add_argument("--set", action="append", default=[], help="these sets of the table alone")
    a = parser.parse_args()
    cv2.setNumThreads(1)
    os.makedirs(a.output, exist_ok=True)
    gatherer = Gatherer(a.output, *read_excluded(a.exclude))
    for folder in a.folder:
        gatherer.take_folder(folder)
    for source in read_table(a.table):
        if a.set and source.set not in a.set:
            continue
        repository = find_repository(a.checkouts, source)
        if repository is None:
            print(f"{source.set}: {source.repo} is not in {a.checkouts}; left out", file=sys.stderr)
            continue
        gatherer.take_repository(repository, source)
    gatherer.finish()
    return 0 if gatherer.rows else 1


if __name__ == "__main__":
    sys.exit(main())
