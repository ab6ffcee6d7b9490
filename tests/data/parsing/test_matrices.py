from pathlib import Path

import pytest

from darlr.data.parsing.matrices import read_integer_matrix, read_matrix
from darlr.errors import InputError


@pytest.mark.parametrize("text", ["1 2 3\n4 5 0\n", "1 2 3 \r\n4\t5  0\r\n\r\n", "1 2 3\n4 5 0"])
def test_reads_any_spacing_and_ending(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.ascii"
    path.write_bytes(text.encode())
    assert read_integer_matrix(path, (2, 3), 0, 5).tolist() == [[1, 2, 3], [4, 5, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file is empty"),
        (b"1 2 3\n", "1 lines; expected 2"),
        (b"1 2 3\n4 5\n", "line 2 has 2 columns; expected 3"),
        (b"1 2 3\n\n4 5 0\n", "line 2 has 0 columns; expected 3"),
        (b"1 2 3\n4 x 0\n", "line 2, column 2 holds 'x'; expected an integer in 0..5"),
        (b"1 2 3\n4 6 0\n", "line 2, column 2 holds '6'; expected an integer in 0..5"),
        (b"1 2 3\n4 -1 0\n", "line 2, column 2 holds '-1'; expected an integer in 0..5"),
        (b"1 2 3\n4 1.5 0\n", "line 2, column 2 holds '1.5'; expected an integer in 0..5"),
        (b"1 2 nan\n4 1 0\n", "line 1, column 3 holds 'nan'; expected an integer in 0..5"),
        (b"1 2 3\n4 \xff 0\n", "line 2 is not UTF-8 text"),
    ],
)
def test_refuses_a_wrong_matrix(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "m.ascii"
    path.write_bytes(text)
    with pytest.raises(InputError) as error:
        read_integer_matrix(path, (2, 3), 0, 5)
    assert str(error.value) == f"{path}: {message}"


def test_reads_numbers(tmp_path: Path) -> None:
    path = tmp_path / "m.ascii"
    path.write_text("0.25 1e-3\r\n1 0.5\r\n")
    assert read_matrix(path, (2, 2), 0, 1).tolist() == [[0.25, 0.001], [1.0, 0.5]]
    for text, found in (("0.25 x\n1 1\n", "line 1, column 2 holds 'x'"), ("0.25 0\n1 1.5\n", "line 2, column 2 holds '1.5'")):
        path.write_text(text)
        with pytest.raises(InputError) as error:
            read_matrix(path, (2, 2), 0, 1)
        assert str(error.value) == f"{path}: {found}; expected a number in 0..1"
