"""Text files are read, or refused by name."""

from pathlib import Path

import pytest

from darlr.config.yaml_text import read_yaml
from darlr.errors import InputError
from darlr.reading import read_text


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", ""), ("a,ü\r\nb\n".encode(), "a,ü\r\nb\n"), ("a,ü\n".encode("utf-8-sig"), "a,ü\n")],
)
def test_reads_with_and_without_a_byte_order_mark(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert read_text(tmp_path / "file") == text


def test_yaml_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: ü\nfiles: {items: i.csv}\n", encoding="utf-8-sig")
    assert read_yaml(tmp_path / "c.yaml") == {"name": "ü", "files": {"items": "i.csv"}}


def test_refusals_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing: no such file$"):
        read_text(tmp_path / "nothing")
    with pytest.raises(InputError, match=rf"^{tmp_path}: cannot be read \(it is a folder\); expected a file$"):
        read_text(tmp_path)
    (tmp_path / "latin").write_bytes(b"a\nb\n\xe4\n")
    with pytest.raises(InputError, match=r"latin: line 3 is not UTF-8 text$"):
        read_text(tmp_path / "latin")
