"""The notebooks: stored without outputs, and each runs from its top."""

import os
from pathlib import Path

import nbformat
import pytest
from website.notebooks import page

from tests.runs import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "examples" / "notebooks").glob("*.ipynb"))


def test_there_are_four() -> None:
    assert [file.name[0] for file in NOTEBOOKS] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_stored_without_outputs(notebook: Path) -> None:
    content = nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(content)
    cells = [cell for cell in content.cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs_from_its_top(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install darlr[docs]")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install darlr[docs]")
    (tmp_path / "experiments").symlink_to(REPOSITORY / "experiments")  # where a notebook looks for the repository
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    content = nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    nbclient.NotebookClient(content, timeout=1_800, resources={"metadata": {"path": str(tmp_path)}}).execute()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_asks_no_network(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text


def test_a_notebook_becomes_a_page() -> None:
    text = page(NOTEBOOKS[0])
    assert text.startswith("# First policy\n\n")
    assert 'href="1_first_policy.ipynb" download' in text
    assert "```python\nimport matplotlib" in text
