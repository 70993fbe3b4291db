"""The module against the program on ten photos of several cameras: features, matches and databases, bit for bit."""

import sqlite3

import colmatch
import numpy as np
import pytest
from conftest import SOURCE, run_program

WEIGHTS, SIZE, FEATURES = "compact", 640, 300
MAX_PAIR_ID = 2147483647


@pytest.fixture(scope="module")
def ten_photos(tmp_path_factory):
    """A folder of links to two photos of each of five collections."""
    collections = SOURCE.parent / "shared" / "data" / "sfm"
    folder = tmp_path_factory.mktemp("ten")
    for collection in sorted(collections.glob("*/images"))[:5]:
        for photo in sorted(collection.iterdir())[:2]:
            (folder / f"{collection.parent.name}-{photo.name}").symlink_to(photo)
    if len(list(folder.iterdir())) < 10:
        pytest.skip(f"{collections} has not the ten photos")
    return folder


@pytest.fixture(scope="module")
def of_program(tmp_path_factory, ten_photos):
    """The program's database, with two threads."""
    path = tmp_path_factory.mktemp("program") / "a.db"
    run_program("feature_extractor", "--database_path", path, "--image_path", ten_photos, "--weights", WEIGHTS,
                "--SuperPoint.max_image_size", SIZE, "--SuperPoint.max_num_features", FEATURES, "--num_threads", 2)
    run_program("exhaustive_matcher", "--database_path", path, "--weights", WEIGHTS, "--num_threads", 2)
    return path


def query(path, text):
    with sqlite3.connect(path) as database:
        return database.execute(text).fetchall()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_features_and_matches_are_the_databases(of_program, ten_photos, threads):
    extractor = colmatch.FeatureExtractor(WEIGHTS, max_num_features=FEATURES, max_image_size=SIZE, num_threads=threads)
    stored = query(of_program, "SELECT image_id, name, k.rows, k.cols, k.data, d.data FROM images "
                               "JOIN keypoints k USING (image_id) JOIN descriptors d USING (image_id) ORDER BY image_id")
    assert len(stored) == 10
    features = {}
    for image_id, name, rows, columns, keypoints, descriptors in stored:
        found = features[image_id] = extractor.extract(ten_photos / name)
        expected = np.frombuffer(keypoints, np.float32).reshape(rows, columns)[:, :2]
        assert np.array_equal(found.keypoints + np.float32(0.5), expected)
        assert np.array_equal(found.descriptors, np.frombuffer(descriptors, np.float32).reshape(rows, -1))
    ids = sorted(features)
    pairs = [(i, j) for i in range(10) for j in range(i + 1, 10)]
    matches = colmatch.FeatureMatcher(WEIGHTS, num_threads=threads).match_pairs([features[i] for i in ids], pairs)
    expected = dict((pair_id, data) for pair_id, data in query(of_program, "SELECT pair_id, data FROM matches"))
    assert sum(len(found.matches) for found in matches) > 100
    for (i, j), found in zip(pairs, matches):
        data = expected[MAX_PAIR_ID * ids[i] + ids[j]] or b""
        assert np.array_equal(found.matches, np.frombuffer(data, np.uint32).reshape(-1, 2))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_databases_are_equal(tmp_path, of_program, ten_photos, threads):
    path = tmp_path / "module.db"
    colmatch.extract_features(path, ten_photos, weights=WEIGHTS, max_image_size=SIZE, max_num_features=FEATURES,
                              num_threads=threads)
    colmatch.match_exhaustive(path, weights=WEIGHTS, num_threads=threads)
    tables = [row[0] for row in query(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    assert {"keypoints", "descriptors", "matches", "two_view_geometries", "colmatch_images", "colmatch_pairs"} <= set(tables)
    for table in tables:
        assert query(path, f"SELECT * FROM {table} ORDER BY 1, 2") == query(of_program, f"SELECT * FROM {table} ORDER BY 1, 2"), table
