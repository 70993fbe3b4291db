"""The program's commands as functions."""

import inspect
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import colmatch
import pytest
from colmatch import _build_info
from conftest import run_program

TABLES = ("cameras", "images", "keypoints", "descriptors", "matches", "two_view_geometries")


def rows(path):
    with sqlite3.connect(path) as database:
        return {table: database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}


@pytest.fixture(scope="module")
def database(tmp_path_factory, demo):
    """Made by the module: features and matches of all pairs."""
    path = tmp_path_factory.mktemp("module") / "a.db"
    summary = colmatch.extract_features(path, demo / "images", weights="compact", max_num_features=200)
    assert summary.extracted == 4 and summary.num_keypoints == 800 and summary.skipped == []
    summary = colmatch.match_exhaustive(path, weights="compact")
    assert summary.matched == 6 and summary.verified >= 3
    return path


def test_the_database_is_the_programs(tmp_path, demo, database):
    path = tmp_path / "b.db"
    run_program("feature_extractor", "--database_path", path, "--image_path", demo / "images", "--weights", "compact",
                "--SuperPoint.max_num_features", 200)
    run_program("exhaustive_matcher", "--database_path", path, "--weights", "compact")
    assert rows(path) == rows(database)


def test_the_same_call_again_finds_everything_there(demo, database):
    summary = colmatch.extract_features(database, demo / "images", weights="compact", max_num_features=200)
    assert summary.counts == {"extracted": 0, "already_there": 4, "num_keypoints": 0}
    assert colmatch.match_exhaustive(database, weights="compact").already_there == 6


@pytest.mark.parametrize("function, options", [
    ("match_sequential", {"overlap": 2}), ("match_from_retrieval", {"num_images": 2}), ("match_exhaustive", {})])
def test_each_matcher_writes_what_its_command_writes(tmp_path, demo, function, options):
    of_module, of_program = tmp_path / "module.db", tmp_path / "program.db"
    for path in (of_module, of_program):
        colmatch.extract_features(path, demo / "images", weights="compact", max_num_features=100)
    getattr(colmatch, function)(of_module, weights="compact", **options)
    command = {"match_sequential": "sequential_matcher", "match_from_retrieval": "retrieval_matcher",
               "match_exhaustive": "exhaustive_matcher"}[function]
    group = {"match_sequential": "SequentialMatching", "match_from_retrieval": "RetrievalMatching"}.get(function)
    arguments = [text for name, value in options.items() for text in (f"--{group}.{name}", value)]
    run_program(command, "--database_path", of_program, "--weights", "compact", *arguments)
    assert rows(of_module) == rows(of_program)


def test_pairs_of_a_list_are_matched_and_matches_verified(tmp_path, demo, photos):
    path, pairs = tmp_path / "a.db", tmp_path / "pairs.txt"
    colmatch.extract_features(path, demo / "images", weights="compact", max_num_features=100)
    pairs.write_text(f"{photos[0].name} {photos[1].name}\n")
    assert colmatch.import_matches(path, pairs, weights="compact").matched == 1
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM two_view_geometries")
    assert colmatch.verify_matches(path).verified == 1


def test_what_is_skipped_is_named_with_its_reason(tmp_path, demo, photos):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "good.jpg").write_bytes(photos[0].read_bytes())
    (tmp_path / "photos" / "bad.jpg").write_bytes(photos[0].read_bytes()[:500])
    summary = colmatch.extract_features(tmp_path / "a.db", tmp_path / "photos", weights="compact")
    assert summary.extracted == 1
    assert [name for name, _ in summary.skipped] == ["bad.jpg"] and summary.skipped[0][1]


def test_names_and_defaults_are_the_declarations():
    parameters = inspect.signature(colmatch.extract_features).parameters
    assert list(parameters)[:2] == ["database_path", "image_path"]
    assert parameters["max_num_features"].default == 2048 and parameters["max_image_size"].default == 1600
    help_text = run_program("feature_extractor", "--help")
    for option in ("max_num_features", "nms_radius", "camera_model", "num_threads"):
        assert option in parameters and option in help_text and option in colmatch.extract_features.__doc__


@pytest.mark.parametrize("call, error, message", [
    (lambda p, d: colmatch.extract_features(p / "a.db", p / "nowhere"), colmatch.UsageError, "does not exist"),
    (lambda p, d: colmatch.extract_features(p / "a.db", d, max_num_featurs=1), colmatch.UsageError, "did you mean"),
    (lambda p, d: colmatch.extract_features(p / "a.db"), TypeError, "lacks image_path"),
    (lambda p, d: colmatch.extract_features(p, d), colmatch.EnvironmentError, "is a folder"),
    (lambda p, d: colmatch.match_exhaustive(p / "none.db"), colmatch.EnvironmentError, "no database"),
    (lambda p, d: colmatch.match_exhaustive(p / "a.db", precision="int3"), colmatch.UsageError, "precision"),
    (lambda p, d: colmatch.reconstruct(p / "w", p / "nowhere"), colmatch.UsageError, "no such folder"),
])
def test_bad_input_is_an_exception_that_says_what(tmp_path, demo, call, error, message):
    with pytest.raises(error, match=message):
        call(tmp_path, demo / "images")


@pytest.mark.parametrize("text", ["no database, only text " * 100, "SQLite format 3"])
def test_a_file_that_is_no_database_is_an_environment_error_and_stays_as_it_was(tmp_path, demo, text):
    path = tmp_path / "a.db"
    path.write_text(text)
    for call in (lambda: colmatch.extract_features(path, demo / "images", weights="compact"),
                 lambda: colmatch.match_exhaustive(path, weights="compact"), lambda: colmatch.verify_matches(path)):
        with pytest.raises(colmatch.EnvironmentError, match="a.db"):
            call()
    assert path.read_text() == text


def test_a_locked_database_is_an_environment_error(tmp_path, demo):
    path = tmp_path / "a.db"
    colmatch.extract_features(path, demo / "images", weights="compact", max_num_features=50)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(colmatch.EnvironmentError, match="a.db"):
        colmatch.match_exhaustive(path, weights="compact", busy_timeout=0.2)
    lock.close()
    assert colmatch.match_exhaustive(path, weights="compact").matched == 6


def test_ctrl_c_raises_keyboard_interrupt_and_the_same_call_goes_on(tmp_path, demo):
    path = tmp_path / "a.db"
    colmatch.extract_features(path, demo / "images", weights="compact", max_num_features=400)

    def interrupt(label, done, total):
        if done >= 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        colmatch.match_exhaustive(path, weights="compact", progress=interrupt)
    summary = colmatch.match_exhaustive(path, weights="compact")
    assert summary.matched + summary.already_there == 6


def test_an_exception_of_the_progress_function_comes_through(tmp_path, demo):
    def fail(*_):
        raise RuntimeError("from progress")

    with pytest.raises(RuntimeError, match="from progress"):
        colmatch.extract_features(tmp_path / "a.db", demo / "images", weights="compact", progress=fail)


def test_other_threads_run_during_a_command(tmp_path, demo):
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    colmatch.extract_features(tmp_path / "a.db", demo / "images", weights="compact", max_num_features=100)
    stop.set()
    thread.join()
    assert len(ticks) > 3


def test_the_package_loads_no_extension_before_it_is_used():
    code = "import sys, colmatch; assert 'colmatch._native' not in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_torch_is_refused_instead_of_ending_the_process(tmp_path):
    """Two LibTorchs in a process end it; a made-up torch stands for the other one."""
    (tmp_path / "torch.py").write_text("__version__ = '99.0'\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    refused = ("try: colmatch.FeatureExtractor('compact')\n"
               "except colmatch.EnvironmentError as error: print('refused', error)")
    if _build_info.TORCH_FOLDER:  # built with the package torch, which it imports itself
        orders = ["import torch, colmatch\n" + refused, "import colmatch\n" + refused]
    else:
        orders = ["import torch, colmatch\n" + refused,
                  "import colmatch\ncolmatch.FeatureExtractor('compact')\ntry: import torch\n"
                  "except ImportError as error: print('refused', error)"]
    for code in orders:
        output = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        assert output.startswith("refused colmatch was built with") and "pip install" in output
