"""Thousands of calls of each kind, right and wrong ones: memory stays where it was after the first tenth.

COLMATCH_LEAK_CALLS calls of each kind (300; scripts/test_python.sh: 10,000), a tenth of them of commands, which take 0.03 s
each. A leak of a kilobyte a call is found by 10,000.
"""

import gc
import os
import signal
import sqlite3
from contextlib import contextmanager
from functools import partial

import colmatch
import numpy as np
import pytest
from conftest import SOURCE

CALLS = int(os.environ.get("COLMATCH_LEAK_CALLS", "300"))
ALLOWED_BYTES = 8 << 20  # the allocator's own


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def small():
    """An extractor and a matcher of one thread, an image of 32 x 32 pixels and its features."""
    extractor, matcher = (cls("compact", num_threads=1) for cls in (colmatch.FeatureExtractor, colmatch.FeatureMatcher))
    image = np.random.default_rng(7).integers(0, 256, (32, 32), np.uint8)
    features = extractor.extract(image)
    assert len(features) > 0
    return extractor, matcher, image, features


@contextmanager
def locked_database(folder):
    path = folder / "locked.db"
    image = np.random.default_rng(7).integers(0, 256, (64, 64), np.uint8)
    (folder / "images").mkdir()
    (folder / "images" / "a.pgm").write_bytes(b"P5 64 64 255\n" + image.tobytes())
    colmatch.extract_features(path, folder / "images", weights="compact")
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    yield path
    lock.close()


@contextmanager
def weights_of_another_kind(folder):
    for name, other in (("superpoint", "superglue"), ("superglue", "superpoint")):
        (folder / f"{name}.safetensors").symlink_to(SOURCE / "weights" / "compact" / f"{other}.safetensors")
    yield folder


def changed(features, **arrays):
    return colmatch.Features(**{**vars(features), **arrays})


def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)


def fail(*_):
    raise RuntimeError("from progress")


def repeat(call, error, calls):
    """Resident bytes after a tenth of the calls and after all."""
    resident = []
    for number in range(1, calls + 1):
        once(call, error)
        if number in (calls // 10, calls):
            gc.collect()
            resident.append(resident_bytes())
    return resident


def once(call, error):
    if error is None:
        call()
        return
    try:
        call()
    except error:
        return
    raise AssertionError(f"expected {error.__name__}")


KINDS = {
    "extract": (None, lambda e, m, image, f: e.extract(image)),
    "match": (None, lambda e, m, image, f: m.match(f, f)),
    "no such image": (colmatch.InputError, lambda e, m, image, f: e.extract("no_such_file.jpg")),
    "image of another dtype": (colmatch.InputError, lambda e, m, image, f: e.extract(image.astype(np.int32))),
    "image of another shape": (colmatch.InputError, lambda e, m, image, f: e.extract(image[None, None])),
    "image with NaN": (colmatch.InputError, lambda e, m, image, f: e.extract(np.full((32, 32), np.nan))),
    "features of another shape": (colmatch.InputError, lambda e, m, image, f: m.match(f, changed(f, scores=f.scores[1:]))),
    "features of other channels": (colmatch.InputError, lambda e, m, image, f: m.match(f, changed(f, descriptors=f.descriptors[:, :64]))),
    "features with NaN": (colmatch.InputError, lambda e, m, image, f: m.match(f, changed(f, keypoints=f.keypoints * np.nan))),
    "no such option": (colmatch.UsageError, lambda e, m, image, f: colmatch.FeatureMatcher(no_such_option=1)),
    "no such weights": (colmatch.UsageError, lambda e, m, image, f: colmatch.FeatureExtractor("no_such_weights")),
    "Ctrl-C": (KeyboardInterrupt, lambda e, m, image, f: m.match_pairs([f], [(0, 0)] * 4, progress=interrupt)),
    "progress that fails": (RuntimeError, lambda e, m, image, f: m.match_pairs([f], [(0, 0)], progress=fail)),
}


def check(kind, call, error, capsys, calls=CALLS):
    before, after = repeat(call, error, calls)
    with capsys.disabled():
        print(f"\n{kind}: resident memory after {calls // 10:,} calls {before / 2**20:.1f} MiB, after {calls:,} "
              f"{after / 2**20:.1f} MiB", end=" ")
    assert after - before < ALLOWED_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_calls_do_not_grow(small, capsys, kind):
    error, function = KINDS[kind]
    check(kind, partial(function, *small), error, capsys)


@pytest.mark.parametrize("cls", [colmatch.FeatureExtractor, colmatch.FeatureMatcher])
def test_thousands_of_refused_weights_do_not_grow(tmp_path, capsys, cls):
    with weights_of_another_kind(tmp_path) as weights:
        check(f"weights of another kind, {cls.__name__}", lambda: cls(weights), colmatch.WeightsError, capsys)


def test_thousands_of_databases_that_are_missing_do_not_grow(tmp_path, capsys):
    check("no such database", lambda: colmatch.verify_matches(tmp_path / "none.db"), colmatch.EnvironmentError, capsys, CALLS // 10)


def test_thousands_of_files_that_are_no_database_do_not_grow(tmp_path, capsys):
    path = tmp_path / "text.db"
    path.write_text("no database, only text " * 100)
    check("no database", lambda: colmatch.verify_matches(path), colmatch.EnvironmentError, capsys, CALLS // 10)
    assert path.read_text() == "no database, only text " * 100


def test_thousands_of_locked_databases_do_not_grow(tmp_path, capsys):
    with locked_database(tmp_path) as path:
        content = path.read_bytes()
        check("locked database", lambda: colmatch.verify_matches(path, busy_timeout=0), colmatch.EnvironmentError, capsys, CALLS // 10)
        assert path.read_bytes() == content
