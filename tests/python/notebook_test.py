"""The notebook, as a person runs it."""

import os

import pytest
from conftest import SOURCE

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")


def test_the_notebook_runs_from_top_to_bottom_and_shows_its_pictures(tmp_path):
    notebook = nbformat.read(SOURCE / "python" / "examples" / "colmatch.ipynb", as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    if "COLMATCH_NOTEBOOK_OUTPUT" in os.environ:
        nbformat.write(notebook, os.environ["COLMATCH_NOTEBOOK_OUTPUT"])
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = "".join(output.get("text", "") for output in outputs)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    # The last picture needs the Python package torch.
    assert len(pictures) == (4 if "skipped:" in texts else 5)
    assert "num_registered" in texts
