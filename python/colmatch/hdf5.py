"""Features and matches as hloc and deep-image-matching keep them in HDF5.

A file of features has a group for each image (its name, with folders as groups): `keypoints` (N, 2) in pixels with the
first pixel's centre at (0, 0), `descriptors` (D, N), `scores` (N), `image_size` (width, height); ours also have `scales`
(N) and, where a photo is turned by its EXIF, `quarter_turns`. A file of matches has a group for each pair: `matches0` (N),
index of the match in the second image or -1, and `matching_scores0` (N). deep-image-matching's differ, and are read, too: it
has image_size as (height, width), beside `tile_idx`, and a pair's matches as rows (M, 2) of indices.

Python's h5py, which hloc itself uses, reads and writes them; so the commands are the package's (`colmatch export_features`
of the console script), and the program needs no HDF5 library.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

import numpy as np

from ._loading import native
from ._observer import Observer, Progress
from ._options import arguments
from .errors import EnvironmentError, InputError
from .features import Features, Matches, check_features, features_from_dict
from .pipelines import Summary, import_matches as _import_match_list

AnyPath = Union[str, "os.PathLike[str]"]

try:
    import h5py
except ImportError as error:
    raise EnvironmentError(f"HDF5 needs the Python package h5py ({error}): pip install h5py") from error

_MAX_PAIR_ID = 2147483647  # COLMAP's: pair_id = MAX * image_id1 + image_id2


def _open(path: AnyPath, mode: str):
    try:
        return h5py.File(os.fspath(path), mode, libver="latest")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise (InputError if mode == "r" else EnvironmentError)(f"{path}: cannot be opened as HDF5: {error}") from None


def pair_name(name0: str, name1: str) -> str:
    """The group of a pair, hloc's names_to_pair."""
    return "/".join((name0.replace("/", "-"), name1.replace("/", "-")))


def _datasets(file) -> List[str]:
    found: List[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return sorted(found)


def _groups_with(file, dataset: str) -> List[str]:
    return [name.rpartition("/")[0] for name in _datasets(file) if name.rpartition("/")[2] == dataset]


def _pairs_of(file) -> List[str]:
    """Groups as hloc has them, and datasets as deep-image-matching has them."""
    return _groups_with(file, "matches0") or _datasets(file)


def _replace(file, group: str, arrays: Dict[str, Any], half: bool):
    if group in file:
        del file[group]
    created = file.create_group(group)
    for name, value in arrays.items():
        value = np.asarray(value)
        created.create_dataset(name, data=value.astype(np.float16) if half and value.dtype == np.float32 else value)
    return created


def write_features(path: AnyPath, features: Dict[str, Features], half: bool = False) -> None:
    """Adds features by image name. half: floats in 16 bits, as hloc's as_half (keypoints beyond 2,048 pixels are then off
    by up to a pixel)."""
    with _open(path, "a") as file:
        for name, found in features.items():
            arrays: Dict[str, Any] = {**found.as_dict(), "scales": found.scales}
            if found.quarter_turns:
                arrays["quarter_turns"] = found.quarter_turns
            group = _replace(file, name, arrays, half)
            group["keypoints"].attrs["uncertainty"] = 1.0


def image_names(path: AnyPath) -> List[str]:
    """The images of a file of features."""
    with _open(path, "r") as file:
        return _groups_with(file, "keypoints")


def read_features(path: AnyPath, name: str) -> Features:
    """Features of one image, checked. Raises InputError."""
    with _open(path, "r") as file:
        if name not in file:
            raise InputError(f"{path}: has no image {name}")
        group = file[name]
        arrays = {key: group[key][()] for key in group}
    if "tile_idx" in arrays and "image_size" in arrays:  # deep-image-matching's
        arrays["image_size"] = arrays["image_size"].reshape(-1)[::-1]
    features = features_from_dict(arrays, f"{path}: {name}")
    if "scales" in arrays:
        features.scales = arrays["scales"]
    features.quarter_turns = int(arrays.get("quarter_turns", 0))
    return check_features(features, f"{path}: {name}")


def write_matches(path: AnyPath, matches: Dict[Tuple[str, str], Tuple[Matches, int]]) -> None:
    """Adds matches by pair of image names, each with the number of the first image's keypoints."""
    with _open(path, "a") as file:
        for (name0, name1), (found, num_keypoints0) in matches.items():
            index = np.full(num_keypoints0, -1, np.int32)
            scores = np.zeros(num_keypoints0, np.float32)
            index[found.matches[:, 0]] = found.matches[:, 1]
            scores[found.matches[:, 0]] = found.scores
            _replace(file, pair_name(name0, name1), {"matches0": index, "matching_scores0": scores}, False)


def read_matches(path: AnyPath, name0: str, name1: str) -> Matches:
    """Matches of a pair, whichever way round the file has it. Raises InputError."""
    with _open(path, "r") as file:
        for names, swap in (((name0, name1), False), ((name1, name0), True)):
            group = pair_name(*names)
            if group in file:
                return _matches_of(file[group], f"{path}: {group}", swap)
    raise InputError(f"{path}: has no pair {name0}, {name1}")


def _rows_of(dataset, where: str) -> Tuple[np.ndarray, np.ndarray]:
    """deep-image-matching's: indices without scores."""
    if dataset.ndim != 2 or dataset.shape[1] != 2 or dataset.dtype.kind not in "iu":
        raise InputError(f"{where}: expected a group with matches0, or indices (any, 2), found {dataset.dtype} {dataset.shape}")
    return dataset[()].astype(np.int64), np.ones(len(dataset), np.float32)


def _matches_of(group, where: str, swap: bool) -> Matches:
    pairs, scores = (_rows_of if isinstance(group, h5py.Dataset) else _assigned)(group, where)
    if swap:
        pairs = pairs[:, ::-1]
    order = np.argsort(pairs[:, 0], kind="stable")
    return Matches(np.ascontiguousarray(pairs[order]), scores[order])


def _assigned(group, where: str) -> Tuple[np.ndarray, np.ndarray]:
    """hloc's: the index of the match or -1 for each keypoint of the first image."""
    if "matches0" not in group:
        raise InputError(f"{where}: expected an entry matches0, found {', '.join(group) or 'none'}")
    index = group["matches0"][()].astype(np.int64).reshape(-1)
    scores = (group["matching_scores0"][()].astype(np.float32).reshape(-1) if "matching_scores0" in group
              else np.ones(len(index), np.float32))
    if len(scores) != len(index):
        raise InputError(f"{where}: matching_scores0 has {len(scores)} entries, matches0 {len(index)}")
    kept = np.flatnonzero(index >= 0)
    return np.stack([kept, index[kept]], 1), scores[kept]


def _database(path: AnyPath) -> sqlite3.Connection:
    if not Path(path).is_file():
        raise EnvironmentError(f"there is no database {path}; run extract_features first, or check the path")
    database = sqlite3.connect(f"file:{Path(path).resolve().as_posix()}?mode=ro", uri=True, timeout=30)
    try:
        database.execute("SELECT 1 FROM images LIMIT 1")
    except sqlite3.Error as error:
        raise EnvironmentError(f"{path}: cannot be read as COLMAP's database: {error}") from None
    return database


def _table_exists(database: sqlite3.Connection, table: str) -> bool:
    return database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _scores(database: sqlite3.Connection, table: str, key: str, row: int, count: int) -> Tuple[np.ndarray, str]:
    """Of keypoints or matches, and what made them; ones where colmatch did not."""
    found = (database.execute(f"SELECT scores, provenance FROM {table} WHERE {key} = ?", (row,)).fetchone()
             if _table_exists(database, table) else None)
    if found is None or found[0] is None or len(found[0]) != 4 * count:
        return np.ones(count, np.float32), ""
    return np.frombuffer(found[0], np.float32), found[1]


def _stored_features(database: sqlite3.Connection) -> Iterator[Tuple[str, Features]]:
    query = ("SELECT i.image_id, i.name, c.width, c.height, k.rows, k.cols, k.data, d.rows, d.data FROM images i "
             "JOIN cameras c USING (camera_id) JOIN keypoints k USING (image_id) JOIN descriptors d USING (image_id) "
             "ORDER BY i.name")
    for image_id, name, width, height, rows, columns, keypoints, num_descriptors, descriptors in database.execute(query):
        if len(keypoints or b"") != 4 * rows * columns or num_descriptors != rows or len(descriptors or b"") % (4 * max(rows, 1)):
            raise InputError(f"{name}: its keypoints and descriptors are not those of float features; SIFT's are not exported")
        values = np.frombuffer(keypoints or b"", np.float32).reshape(rows, columns)
        scores, provenance = _scores(database, "colmatch_images", "image_id", image_id, rows)
        turns = provenance.rpartition(" quarter_turns ")[2] if " quarter_turns " in provenance else "0"
        yield name, Features(
            # COLMAP's first pixel's centre is (0.5, 0.5): plugin/extraction/colmap_convert.cc.
            keypoints=np.ascontiguousarray(values[:, :2] - np.float32(0.5)), scores=scores,
            descriptors=np.frombuffer(descriptors or b"", np.float32).reshape(rows, -1) if rows else np.zeros((0, 1), np.float32),
            scales=np.ascontiguousarray(values[:, 2]) if columns == 4 else np.ones(rows, np.float32),  # x, y, scale, orientation
            image_size=(width, height), quarter_turns=int(turns.split()[0]))


def export_features(database_path: AnyPath, output_path: AnyPath, half: bool = False) -> Summary:
    """Features of a database to HDF5. Returns counts: `images`."""
    database = _database(database_path)
    try:
        count = 0
        for name, features in _stored_features(database):
            write_features(output_path, {name: features}, half)
            count += 1
    finally:
        database.close()
    return Summary({"images": count})


def export_matches(database_path: AnyPath, output_path: AnyPath, verified: bool = False) -> Summary:
    """Matches of a database to HDF5; verified: those that passed the geometric verification. Returns counts: `pairs`."""
    database = _database(database_path)
    table = "two_view_geometries" if verified else "matches"
    try:
        images = {row[0]: (row[1], row[2]) for row in database.execute(
            "SELECT image_id, name, k.rows FROM images JOIN keypoints k USING (image_id)")}
        count = 0
        for pair_id, rows, data in database.execute(f"SELECT pair_id, rows, data FROM {table} WHERE rows > 0"):
            (name0, size0), (name1, _) = (images[i] for i in divmod(pair_id, _MAX_PAIR_ID))
            pairs = np.frombuffer(data, np.uint32).reshape(rows, 2).astype(np.int64)
            scores = (np.ones(rows, np.float32) if verified
                      else _scores(database, "colmatch_pairs", "pair_id", pair_id, rows)[0])
            write_matches(output_path, {(name0, name1): (Matches(pairs, scores), size0)})
            count += 1
    finally:
        database.close()
    return Summary({"pairs": count})


def import_features(database_path: AnyPath, input_path: AnyPath, image_path: AnyPath, progress: Progress = None,
                    **options: Any) -> Summary:
    """Features of HDF5 into COLMAP's database, with cameras from the photos' EXIF. options: extract_features' of cameras
    (`camera_model`, `single_camera`, ...) and `busy_timeout`. Returns counts: `imported`, `already_there`."""
    photos, digest = [], hashlib.sha256()
    for name in image_names(input_path):
        f = read_features(input_path, name)
        arrays = (f.keypoints, f.scores, f.descriptors, f.scales)
        for array in arrays:
            digest.update(array.tobytes())
        photos.append((os.fsencode(name), native().FeatureArrays(*arrays, *f.image_size, f.quarter_turns)))
    if not photos:
        raise InputError(f"{input_path}: holds no features (groups with an entry keypoints)")
    given = arguments("feature_extractor", {"database_path": database_path, "image_path": image_path, **options})
    with Observer(progress) as observer:
        imported, there, skipped = native().import_features(given, photos, f"imported {digest.hexdigest()}", observer)
    return Summary({"imported": imported, "already_there": there},
                   [(os.fsdecode(name), os.fsdecode(reason)) for name, reason in skipped])


def import_matches(database_path: AnyPath, input_path: AnyPath, progress: Progress = None, **options: Any) -> Summary:
    """Matches of HDF5 into a database that has the features, and their geometric verification. options:
    import_matches' of the package (`max_error`, ...); `match_type="inliers"` takes them as verified."""
    database = _database(database_path)
    names = [row[0] for row in database.execute("SELECT name FROM images ORDER BY name")]
    database.close()
    by_group = {name.replace("/", "-"): name for name in names}
    with _open(input_path, "r") as file, tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "matches.txt"
        with open(listing, "w", encoding="utf-8", errors="surrogateescape") as text:
            for group in _pairs_of(file):
                first, _, second = group.rpartition("/")
                if first not in by_group or second not in by_group:
                    raise InputError(f"{input_path}: the pair {group} is of images that {database_path} does not have")
                found = _matches_of(file[group], f"{input_path}: {group}", False)
                text.write(f"{by_group[first]} {by_group[second]}\n")
                text.writelines(f"{i} {j}\n" for i, j in found.matches)
                text.write("\n")
        options = {"match_type": "raw", **options}
        return _import_match_list(database_path, listing, progress=progress, **options)


def read_pairs(path: AnyPath) -> List[Tuple[str, str]]:
    """A list of pairs: two names a line. Raises InputError."""
    pairs = []
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        names = line.split()
        if names and len(names) != 2:
            raise InputError(f"{path}:{number}: expected two names, found {len(names)}")
        if names:
            pairs.append((names[0], names[1]))
    if not pairs:
        raise InputError(f"{path}: names no pair")
    return pairs


def match_pairs(pairs: Sequence[Tuple[str, str]], output_path: AnyPath, image_path: "AnyPath | None" = None,
                features_path: "AnyPath | None" = None, progress: Progress = None,
                extractor: "Dict[str, Any] | None" = None, **matcher: Any) -> Summary:
    """Matches of pairs of names to HDF5; features from the photos below image_path, or from HDF5. extractor, matcher: options
    of FeatureExtractor and FeatureMatcher. Returns counts: `pairs`, `num_matches`."""
    from .frontend import FeatureExtractor, FeatureMatcher

    names = sorted({name for pair in pairs for name in pair})
    if features_path is not None and image_path is None:
        features = [read_features(features_path, name) for name in names]
    elif image_path is not None and features_path is None:
        extract = FeatureExtractor(**(extractor or {})).extract
        features = [extract(Path(image_path) / name) for name in names]
    else:
        raise InputError("expected either image_path or features_path")
    number = {name: i for i, name in enumerate(names)}
    indices = [(number[name0], number[name1]) for name0, name1 in pairs]
    found = FeatureMatcher(**matcher).match_pairs(features, indices, progress)
    write_matches(output_path, {pair: (matches, len(features[i])) for pair, (i, _), matches in zip(pairs, indices, found)})
    return Summary({"pairs": len(pairs), "num_matches": sum(len(matches.matches) for matches in found)})
