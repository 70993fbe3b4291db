"""What `pip install .` says where system packages are missing (cmake/PythonBuild.cmake): one error that names them all."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import SOURCE

CMAKE = shutil.which("cmake")
pytestmark = pytest.mark.skipif(CMAKE is None, reason="cmake is not installed")


def configure(tmp_path, *options, **environment):
    """What CMake says in a build by pip that sees no header of the system."""
    (tmp_path / "nothing").mkdir()
    result = subprocess.run(
        [CMAKE, "-S", SOURCE, "-B", tmp_path / "build", "-G", "Unix Makefiles", "-DCMAKE_MAKE_PROGRAM=/bin/true", "-DSKBUILD=2",
         f"-DPython_EXECUTABLE={sys.executable}", f"-DCMAKE_FIND_ROOT_PATH={tmp_path / 'nothing'}",
         "-DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY", *options],
        env={**os.environ, "COLMATCH_TORCH": "system", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode != 0, result.stdout
    assert result.stdout.count("CMake Error") == 1, result.stdout
    return result.stdout


def test_missing_packages_are_named_in_one_error(tmp_path):
    output = configure(tmp_path)
    assert ("sudo apt-get install libopencv-dev libceres-dev libsqlite3-dev zlib1g-dev libjpeg-dev libexiv2-dev "
            "libcli11-dev libspdlog-dev nlohmann-json3-dev libtorch-dev") in output
    assert "pip install torch" in output and "clang" not in output.partition("apt-get")[2]


def test_a_missing_compiler_is_named_in_the_same_error(tmp_path):
    output = configure(tmp_path, PATH=str(tmp_path), CXX="")
    assert "sudo apt-get install g++ clang libopencv-dev" in output


def test_what_is_there_is_not_named(tmp_path):
    (tmp_path / "headers" / "ceres").mkdir(parents=True)
    (tmp_path / "headers" / "ceres" / "ceres.h").touch()
    output = configure(tmp_path, f"-DCOLMATCH_HAS_ceres_ceres_h={tmp_path / 'headers'}")
    assert "libceres-dev" not in output and "libopencv-dev" in output
