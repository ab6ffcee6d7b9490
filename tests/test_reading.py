"""Text files are read, or refused by name."""

import os
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


def test_what_never_ends_or_never_comes_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "large.yaml").write_text("a: " + "x" * 300_000)
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    for path, message in (
        (tmp_path / "pipe.yaml", "cannot be read (it is a pipe); expected a file"),
        (Path("/dev/zero"), "cannot be read (it is a device); expected a file"),
        (tmp_path / "large.yaml", "more than 200,000 bytes; expected at most that many"),
        (tmp_path / "loop.yaml", "cannot be read (Too many levels of symbolic links)"),
        (tmp_path / ("a" * 300), "cannot be read (File name too long)"),
        (Path("a\0b"), "cannot be read (embedded null byte)"),
    ):
        with pytest.raises(InputError) as refused:
            read_yaml(path)
        assert str(refused.value).endswith(message)


def test_a_pipe_that_a_shell_hands_over_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a: 1\n")
    os.close(writing)
    assert read_yaml(Path(f"/dev/fd/{reading}")) == {"a": 1}
    os.close(reading)
