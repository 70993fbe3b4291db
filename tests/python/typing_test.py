"""The type stubs that are made from the option tables."""

import ast
import importlib.util
import inspect
import os
import subprocess
import sys
from pathlib import Path

import colmatch
import pytest
from conftest import SOURCE

PACKAGE = Path(colmatch.__file__).parent


def functions_of(stub):
    module = ast.parse((PACKAGE / stub).read_text())
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{f.name}", f) for f in node.body if isinstance(f, ast.FunctionDef))
    yield from ((f.name, f) for f in module.body if isinstance(f, ast.FunctionDef))


def test_the_stubs_have_every_option_with_its_default():
    from colmatch import pipelines

    functions = dict(functions_of("pipelines.pyi"))
    for name, *_ in pipelines.COMMANDS:
        expected = {p.name: p.default for p in inspect.signature(getattr(colmatch, name)).parameters.values()
                    if p.kind is p.KEYWORD_ONLY}
        written = functions[name].args
        found = dict(zip((a.arg for a in written.kwonlyargs), written.kw_defaults))
        assert {"progress", *expected} == set(found)
        for option, default in expected.items():
            assert (found[option] is None if default is inspect.Parameter.empty
                    else ast.literal_eval(found[option]) == default), option


def test_the_stubs_have_the_options_of_the_extractor_and_of_the_matcher():
    functions = dict(functions_of("frontend.pyi"))
    for cls, option in (("FeatureExtractor", "max_num_features"), ("FeatureMatcher", "match_threshold")):
        init = functions[f"{cls}.__init__"].args
        assert option in [a.arg for a in init.kwonlyargs] and init.kwarg is None
    assert "FeatureMatcher.match_pairs" in functions and "FeatureMatcher._native" not in functions


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """A function of mypy's arguments that gives what it prints."""
    folder = tmp_path_factory.mktemp("mypy")
    return lambda *arguments: run_mypy(folder, *arguments)


def run_mypy(folder, *arguments):
    """mypy does not read PYTHONPATH, and refuses MYPYPATH for what is installed."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    environment = {name: value for name, value in os.environ.items() if name != "MYPYPATH"}
    if PACKAGE.parent.name not in ("site-packages", "dist-packages"):
        environment["MYPYPATH"] = str(PACKAGE.parent)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", SOURCE / "pyproject.toml", "--cache-dir", folder / "cache", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folder).stdout


def test_a_type_checker_finds_a_wrong_option_and_nothing_else(tmp_path, mypy):
    source = tmp_path / "use.py"
    source.write_text("import colmatch\n"
                      "extractor = colmatch.FeatureExtractor('compact', max_num_features=5)\n"
                      "n: int = len(extractor.extract('a.jpg'))\n"
                      "colmatch.match_exhaustive('a.db', num_threads=2)\n"
                      "colmatch.match_exhaustive('a.db', max_num_featurs=2)\n"
                      "colmatch.FeatureExtractor(max_num_features='many')\n"
                      "text: str = extractor.extract('a.jpg').keypoints\n")
    output = mypy(source)
    found = sorted(int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line and "use.py" in line)
    assert found == [5, 6, 7], output


def test_a_type_checker_finds_nothing_in_the_package(mypy):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the Python package torch is not installed: colmatch.torch cannot be checked")
    output = mypy("-p", "colmatch")
    assert output.startswith("Success: no issues found in"), output
