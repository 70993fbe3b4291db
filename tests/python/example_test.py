"""python/examples/homography_auc.py, as somebody runs it."""

import importlib.util
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from conftest import SOURCE

SCRIPT = SOURCE / "python" / "examples" / "homography_auc.py"


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("homography_auc", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_measures_a_homography_that_is_known(tmp_path, photos):
    image = cv2.imread(str(photos[0]), cv2.IMREAD_GRAYSCALE)
    homography = np.array([[0.95, 0.05, 8.0], [-0.04, 0.97, 5.0], [1e-5, 2e-5, 1.0]])
    (tmp_path / "pair").mkdir()
    cv2.imwrite(str(tmp_path / "pair" / "0.png"), image)
    cv2.imwrite(str(tmp_path / "pair" / "1.png"), cv2.warpPerspective(image, homography, (320, 240)))
    np.savetxt(tmp_path / "pair" / "H.txt", homography)
    assert len(SCRIPT.read_text().splitlines()) < 60
    ended = run(tmp_path, "--weights", "compact")
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout.splitlines()[-1])
    assert result["num_pairs"] == 1 and result["auc"]["5"] > 0.6


@pytest.mark.parametrize("errors, threshold, expected", [
    ([0, 0], 5, 1.0),          # recall is 1 from 0 on
    ([10, np.inf], 5, 0.0),    # nothing below the threshold
    ([2.5], 5, 0.75),          # recall rises to 1 at 2.5 in a straight line: half of the first half, then all
    ([2.5, np.inf], 5, 0.375),
])
def test_the_area_is_that_of_the_recall(example, errors, threshold, expected):
    assert example.auc(errors, threshold) == pytest.approx(expected)


def test_the_error_is_the_mean_distance_of_the_corners(example):
    shift = np.array([[1.0, 0, 3], [0, 1, 4], [0, 0, 1]])
    assert example.corner_error(shift, np.eye(3), (320, 240)) == pytest.approx(5)
    assert example.corner_error(None, np.eye(3), (320, 240)) == np.inf


def test_a_folder_without_pairs_is_an_error(tmp_path):
    ended = run(tmp_path)
    assert ended.returncode == 2 and f"{tmp_path}: has no folder with an H.txt" in ended.stderr
