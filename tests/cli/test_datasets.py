"""`darlr datasets` and `darlr check`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_lists_what_is_here_and_what_is_missing(darlr: Command, planted: Path) -> None:
    ended = darlr("datasets", "--data-dir", planted)
    assert (ended.code, ended.err) == (0, "")
    rows = {line.split()[0]: line for line in ended.out.splitlines() if line.strip()}
    assert rows["planted"].split()[1] == "here"
    assert rows["synthetic"].split()[1] == "here"
    assert "missing:" in rows["coat"]
    assert "https://www.cs.cornell.edu/" in ended.out
    assert "darlr fetch coat, or" in ended.out


def test_own_folders_say_their_licence_and_where_missing_files_come_from(darlr: Command, tmp_path: Path) -> None:
    (tmp_path / "data" / "shop").mkdir()
    settings = "licence: company use only\nsource: the warehouse\nfiles: {interactions: log.csv}\n"
    (tmp_path / "data" / "shop" / "dataset.yaml").write_text(settings)
    flat = " ".join(darlr("datasets").out.split())
    for text in ("shop missing: log.csv", "company use only", "from the warehouse"):
        assert text in flat


def test_check_reads_and_describes(darlr: Command, planted: Path) -> None:
    for name in ("planted", str(planted / "planted")):
        ended = darlr("check", name, "--data-dir", planted)
        assert (ended.code, ended.err) == (0, "")
        assert "planted: read and valid" in ended.out
        assert "40 x 40" in ended.out
    assert "500" in darlr("check", "synthetic").out


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("u1,i1,6\n", "log.csv: line 2, column 'reward' holds '6'; expected a number in 1..5"),
        ("u1,i1,2\nu1,i2,much\n", "log.csv: line 3, column 'reward' holds 'much'"),
        ("u1,i1,1\nu2,i1,1\nu1,i1,2\n", "log.csv: line 4 repeats user_id u1, item_id i1 of line 2"),
        ("", "log.csv: "),
    ],
)
def test_check_names_what_is_wrong(darlr: Command, rows: str, message: str) -> None:
    Path("own").mkdir()
    Path("own/dataset.yaml").write_text("files: {interactions: log.csv}\nreward: {feedback: ratings, minimum: 1, maximum: 5}\n")
    Path("own/log.csv").write_text("user_id,item_id,reward\n" + rows)
    ended = darlr("check", "./own")
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1


def test_a_file_is_no_folder_of_data_sets(darlr: Command) -> None:
    Path("data.csv").write_text("")
    assert darlr("check", "coat", "--data-dir", "data.csv").err == (
        "darlr: data.csv: not a folder; expected the one that data sets lie in\n"
    )


def test_the_folder_of_a_known_data_set_is_recognised(darlr: Command) -> None:
    Path("jackets").mkdir()
    Path("jackets/coat.zip").write_text("")
    assert darlr("check", "./jackets").err == (
        "darlr: jackets: the folder has no dataset.yaml; expected a data set in the folder format (docs/your_data.md) "
        "(it holds files of 'coat': name that, and let the folder be 'coat' in --data-dir)\n"
    )
