"""Features and matches in HDF5."""

import os
import sqlite3
import subprocess
import sys

import colmatch
import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

from colmatch import hdf5  # noqa: E402


def console(*arguments, status=0):
    """The console script."""
    result = subprocess.run([sys.executable, "-c", "from colmatch._program import main; main()", *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
    assert result.returncode == status, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def database(tmp_path_factory, demo):
    path = tmp_path_factory.mktemp("hdf5") / "a.db"
    colmatch.extract_features(path, demo / "images", weights="compact", max_num_features=150)
    colmatch.match_exhaustive(path, weights="compact")
    return path


def test_a_files_groups_and_arrays_are_hlocs(tmp_path, database, photos):
    hdf5.export_features(database, tmp_path / "f.h5")
    hdf5.export_matches(database, tmp_path / "m.h5")
    with h5py.File(tmp_path / "f.h5") as file:
        assert sorted(file) == [path.name for path in photos]
        group = file[photos[0].name]
        assert group["keypoints"].shape == (150, 2) and group["descriptors"].shape == (128, 150)
        assert group["scores"].shape == (150,) and list(group["image_size"]) == [320, 240]
        assert "uncertainty" in group["keypoints"].attrs
    with h5py.File(tmp_path / "m.h5") as file:
        group = file[photos[0].name][photos[1].name]
        assert group["matches0"].shape == group["matching_scores0"].shape == (150,)
        assert (group["matches0"][()] >= -1).all() and (group["matches0"][()] >= 0).sum() > 20


def test_exported_features_are_the_extractors(tmp_path, database, photos):
    hdf5.export_features(database, tmp_path / "f.h5")
    found = hdf5.read_features(tmp_path / "f.h5", photos[0].name)
    expected = colmatch.FeatureExtractor("compact", max_num_features=150).extract(photos[0])
    assert np.array_equal(found.descriptors, expected.descriptors) and np.array_equal(found.scores, expected.scores)
    # The database's coordinates are 0.5 larger, in float32.
    assert np.abs(found.keypoints - expected.keypoints).max() < 1e-4


def test_what_is_exported_and_imported_matches_as_before(tmp_path, demo, database):
    hdf5.export_features(database, tmp_path / "f.h5")
    hdf5.export_matches(database, tmp_path / "m.h5")
    summary = hdf5.import_features(tmp_path / "b.db", tmp_path / "f.h5", demo / "images")
    assert summary.counts == {"imported": 4, "already_there": 0} and summary.skipped == []
    assert hdf5.import_features(tmp_path / "b.db", tmp_path / "f.h5", demo / "images").already_there == 4
    colmatch.match_exhaustive(tmp_path / "b.db", weights="compact")
    hdf5.import_features(tmp_path / "c.db", tmp_path / "f.h5", demo / "images")
    assert hdf5.import_matches(tmp_path / "c.db", tmp_path / "m.h5").verified >= 3
    queries = ("SELECT name, rows, cols, data FROM images JOIN keypoints USING (image_id) ORDER BY name",
               "SELECT name, rows, cols, data FROM images JOIN descriptors USING (image_id) ORDER BY name",
               "SELECT name, model, width, height, params FROM images JOIN cameras USING (camera_id) ORDER BY name",
               "SELECT pair_id, rows, data FROM matches WHERE rows > 0 ORDER BY pair_id")
    databases = [sqlite3.connect(path) for path in (database, tmp_path / "b.db", tmp_path / "c.db")]
    for query in queries:
        expected, *others = [d.execute(query).fetchall() for d in databases]
        assert expected and all(found == expected for found in others), query


def test_halves_are_read_as_floats(tmp_path, database, photos):
    hdf5.export_features(database, tmp_path / "f.h5", half=True)
    with h5py.File(tmp_path / "f.h5") as file:
        assert file[photos[0].name]["descriptors"].dtype == np.float16
    assert hdf5.read_features(tmp_path / "f.h5", photos[0].name).descriptors.dtype == np.float32


def test_a_pair_is_read_either_way_round(tmp_path):
    matches = colmatch.Matches(np.array([[0, 3], [2, 1]]), np.float32([0.5, 0.25]))
    hdf5.write_matches(tmp_path / "m.h5", {("a/x.jpg", "b.jpg"): (matches, 4)})
    assert hdf5.read_matches(tmp_path / "m.h5", "a/x.jpg", "b.jpg").matches.tolist() == [[0, 3], [2, 1]]
    found = hdf5.read_matches(tmp_path / "m.h5", "b.jpg", "a/x.jpg")
    assert found.matches.tolist() == [[1, 2], [3, 0]] and found.scores.tolist() == [0.25, 0.5]


def test_files_as_deep_image_matching_writes_them_are_read(tmp_path, demo, database, photos):
    """There image_size is (height, width), beside tile_idx, and matches are rows of indices."""
    hdf5.export_features(database, tmp_path / "f.h5")
    hdf5.export_matches(database, tmp_path / "m.h5")
    with h5py.File(tmp_path / "f.h5", "a") as file:
        for group in file.values():
            size = group["image_size"][()][::-1]
            del group["image_size"], group["scales"]
            group["image_size"], group["tile_idx"] = np.float16(size), np.zeros(len(group["keypoints"]), np.float16)
    assert hdf5.read_features(tmp_path / "f.h5", photos[0].name).image_size == (320, 240)
    assert hdf5.import_features(tmp_path / "b.db", tmp_path / "f.h5", demo / "images").imported == 4
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        for i, j in ((0, 1), (1, 2)):
            names = photos[i].name, photos[j].name
            file.require_group(names[0])[names[1]] = hdf5.read_matches(tmp_path / "m.h5", *names).matches
    assert hdf5.read_matches(tmp_path / "rows.h5", photos[1].name, photos[0].name).matches.shape[1] == 2
    assert hdf5.import_matches(tmp_path / "b.db", tmp_path / "rows.h5").verified == 2


def test_the_program_hands_the_commands_to_the_package(tmp_path, database):
    environment = {**os.environ, "COLMATCH_PYTHON": sys.executable}
    call = [os.environ["COLMATCH_PROGRAM"], "export_features", "--database_path", str(database)]
    result = subprocess.run([*call, "--output_path", str(tmp_path / "f.h5")], env=environment, stdout=subprocess.PIPE, text=True)
    assert result.returncode == 0 and "4 images" in result.stdout
    assert len(hdf5.image_names(tmp_path / "f.h5")) == 4
    assert subprocess.run(call, env=environment, stderr=subprocess.DEVNULL).returncode == 1  # the package's status


def test_the_commands_do_the_same(tmp_path, demo, database, photos):
    assert "4 images" in console("export_features", "--database_path", database, "--output_path", tmp_path / "f.h5")
    assert "pairs" in console("export_matches", "--database_path", database, "--output_path", tmp_path / "m.h5")
    console("import_features", "--database_path", tmp_path / "b.db", "--input_path", tmp_path / "f.h5",
            "--image_path", demo / "images")
    console("import_matches", "--database_path", tmp_path / "b.db", "--input_path", tmp_path / "m.h5")
    pairs = tmp_path / "pairs.txt"
    pairs.write_text(f"{photos[0].name} {photos[1].name}\n")
    console("match", "--pairs", pairs, "--output", tmp_path / "p.h5", "--features_path", tmp_path / "f.h5",
            "--weights", "compact")
    assert len(hdf5.read_matches(tmp_path / "p.h5", photos[0].name, photos[1].name).matches) > 20
    assert "feature_extractor" in console("--help")  # what is not HDF5 is the program's


@pytest.mark.parametrize("arguments, status, message", [
    (("export_features", "--database_path", "none.db", "--output_path", "f.h5"), 3, "no database"),
    (("import_features", "--database_path", "a.db", "--input_path", "none.h5", "--image_path", "."), 2, "no such file"),
    (("match", "--pairs", "none.txt", "--output", "p.h5", "--image_path", "."), 2, "cannot be read"),
    (("import_features",), 1, "required"),
])
def test_a_command_that_fails_says_why(arguments, status, message):
    assert message in console(*arguments, status=status)


def test_a_file_that_is_not_hdf5_or_lacks_an_image_is_an_input_error(tmp_path):
    (tmp_path / "bad.h5").write_text("no HDF5")
    with pytest.raises(colmatch.InputError, match="HDF5"):
        hdf5.read_features(tmp_path / "bad.h5", "a")
    h5py.File(tmp_path / "empty.h5", "w").close()
    with pytest.raises(colmatch.InputError, match="no image a"):
        hdf5.read_features(tmp_path / "empty.h5", "a")
    with pytest.raises(colmatch.InputError, match="no features"):
        hdf5.import_features(tmp_path / "a.db", tmp_path / "empty.h5", tmp_path)
