"""What the tests share: the program, small photos, and objects with loaded networks."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
# What a script starts in the background (&, nohup) ignores SIGINT, and Python then raises no KeyboardInterrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def run_program(*arguments, status=0):
    """The program's output; fails unless it ends with the status."""
    result = subprocess.run([os.environ["COLMATCH_PROGRAM"], *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    assert result.returncode == status, result.stdout
    return result.stdout


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A rendered scene: `images` has four photos of 320 x 240 pixels."""
    folder = tmp_path_factory.mktemp("demo")
    run_program("demo_scene", "--output_path", folder, "--num_images", 4, "--width", 320, "--height", 240)
    return folder


@pytest.fixture(scope="session")
def photos(demo):
    return sorted((demo / "images").iterdir())


@pytest.fixture(scope="session")
def golden():
    folder = SOURCE.parent / "shared" / "golden"
    if not (folder / "reference.npz").is_file():
        pytest.skip(f"{folder} is missing")
    return folder


@pytest.fixture(scope="session")
def extractor():
    import colmatch

    return colmatch.FeatureExtractor("compact", max_num_features=256)


@pytest.fixture(scope="session")
def matcher():
    import colmatch

    return colmatch.FeatureMatcher("compact")
