"""The type stubs that are made from the option tables."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import colmatch
import pytest

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


def test_a_type_checker_finds_a_wrong_option(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    source = tmp_path / "use.py"
    source.write_text("import colmatch\n"
                      "extractor = colmatch.FeatureExtractor('compact', max_num_features=5)\n"
                      "n: int = len(extractor.extract('a.jpg'))\n"
                      "colmatch.match_exhaustive('a.db', num_threads=2)\n"
                      "colmatch.match_exhaustive('a.db', max_num_featurs=2)\n"
                      "colmatch.FeatureExtractor(max_num_features='many')\n")
    output = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", tmp_path / "cache", source],
                            stdout=subprocess.PIPE, text=True).stdout
    found = sorted(int(line.split(":")[1]) for line in output.splitlines() if "error" in line and "use.py" in line)
    assert found == [5, 6], output
