"""`darlr check NAME` of a data set that is known by name."""

from pathlib import Path

import pytest

from darlr.cli.check import check
from darlr.errors import InputError
from tests.official_files.kuairec import write_kuairec


def test_shows_what_differs_from_what_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_kuairec(tmp_path / "data" / "kuairec")
    with pytest.raises(
        InputError, match=r"^data set 'kuairec' is not as published: big_matrix.csv: rows: 4,000; the published"
    ):
        check("kuairec", data_dir=tmp_path / "data")
    printed = capsys.readouterr()
    lines = [" ".join(line.split()) for line in printed.out.splitlines()]
    assert "kuairec: read and valid" in lines
    assert "big_matrix.csv: rows 4,000 12,530,806" in lines
    assert "item_categories.csv: tags 31 31" in lines
    assert "Table 1: test users x items, density 20 x 40, 99.000% 1,411 x 3,327, 99.620%" in lines
    assert "note: kuairec: made once" in printed.err


def test_obeys_choices_of_reading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_kuairec(tmp_path / "data" / "kuairec")
    with pytest.raises(InputError, match="not as published"):
        check("kuairec", ("data.reward=normalised",), tmp_path / "data")
    assert "..10" in next(line for line in capsys.readouterr().out.splitlines() if "log: feedback" in line)
    with pytest.raises(InputError, match=r"'data.logs' is 'both', but data set 'kuairec' has no such choice"):
        check("kuairec", ("data.logs=both",), tmp_path / "data")


def test_tells_of_selection(capsys: pytest.CaptureFixture[str]) -> None:
    small = ("synthetic.users=100", "synthetic.items=80", "synthetic.selection=free", "synthetic.randomised=50")
    check("synthetic", small)
    printed = " ".join(capsys.readouterr().out.split())
    assert "randomly shown: ratings 50" in printed
    assert "selection, by the log: exponent" in printed
    assert "selection, by randomly shown items: they got" in printed
