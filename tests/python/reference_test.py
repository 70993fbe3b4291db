"""docs/python_reference.md is what python/make_reference.py writes."""

import subprocess
import sys
from pathlib import Path

import colmatch
from conftest import SOURCE

PAGE = SOURCE / "docs" / "python_reference.md"


def test_the_reference_is_up_to_date(tmp_path):
    package = Path(colmatch.__file__).parent
    subprocess.run([sys.executable, SOURCE / "python" / "make_reference.py", package, tmp_path / "page.md"], check=True)
    assert (tmp_path / "page.md").read_text() == PAGE.read_text(), (
        f"run: python3 python/make_reference.py {package} docs/python_reference.md")


def test_the_reference_has_every_public_name():
    text = PAGE.read_text()
    missing = [name for name in colmatch.__all__ if name != "__version__" and f"### `{name}`" not in text]
    assert missing == []
