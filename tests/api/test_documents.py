import re
from pathlib import Path

import pytest

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_python_page_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((DOCUMENTS / "python.md").read_text())
    names: dict[str, object] = {"__name__": "examples"}
    for block in blocks:
        exec(block, names)
    printed = capsys.readouterr().out
    assert "Dataset(shop: 1,200 interactions of 60 users with 50 items, with a truth)" in printed
    assert "interactions: row" in printed
    assert "### most_logged on shop, NX_0" in printed
    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]
