"""Propensities, sessions, steps and positions of a folder's log."""

from pathlib import Path

import numpy as np
import pytest

from darlr.data.log import InteractionLog
from darlr.data.readers.folder import read_folder
from darlr.errors import InputError
from tests.data.folders import SETTINGS, write_folder


def read(folder: Path, header: str, *cells: str, settings: str = SETTINGS) -> InteractionLog:
    """The log of the example folder, whose three rows have more columns."""
    rows = ["7,30,4", "7,10,2", "20,30,5"]
    text = "\n".join([f"user_id,item_id,reward,{header}", *(f"{row},{cell}" for row, cell in zip(rows, cells, strict=True))])
    return read_folder(write_folder(folder / "mine", interactions=text + "\n", dataset=settings)).dataset.log


def test_reads_what_was_logged_of_the_exposure(tmp_path: Path) -> None:
    log = read(tmp_path, "propensity,session,step,position", "0.5,b,0,1", "1,b,1,2", "1e-3,a,0,1")
    assert log.exposure is not None
    assert log.exposure.propensities is not None
    assert log.exposure.sessions is not None
    assert log.exposure.steps is not None
    assert log.exposure.positions is not None
    assert log.exposure.propensities.tolist() == [0.5, 1.0, 0.001]
    assert (log.exposure.sessions.tolist(), log.exposure.steps.tolist()) == ([1, 1, 0], [0, 1, 0])
    assert log.exposure.positions.tolist() == [1, 2, 1]
    chosen = log.rows(np.array([2, 0])).exposure
    assert chosen is not None
    assert chosen.propensities is not None
    assert chosen.propensities.tolist() == [0.001, 0.5]


def test_a_log_without_the_columns_has_no_exposure(tmp_path: Path) -> None:
    assert read_folder(write_folder(tmp_path / "mine")).dataset.log.exposure is None


@pytest.mark.parametrize(
    ("header", "cells", "message"),
    [
        ("propensity", ("0.5", "0", "0.5"), "line 3, column 'propensity' holds '0'; expected a probability above 0"),
        ("propensity", ("0.5", "0.5", "1.5"), r"line 4, column 'propensity' holds '1.5'; expected a number in 0..1"),
        ("propensity", ("0.5", "", "0.5"), r"line 3, column 'propensity' is blank; expected a number in 0..1"),
        ("propensity", ("-0.5", "0.1", "0.5"), r"line 2, column 'propensity' holds '-0.5'; expected a number in 0..1"),
        ("step", ("0", "1", "0"), "column 'step' stands without 'session'"),
        ("session,step", ("a,0", "a,0", "b,0"), "line 3 repeats session a, step 0 of line 2"),
        ("session,step", ("a,0", "a,0.5", "b,0"), "line 3, column 'step' holds '0.5'; expected a whole number"),
        ("position", ("1", "1", "x"), "line 4, column 'position' holds 'x'; expected a number"),
    ],
)
def test_refuses_what_cannot_be(tmp_path: Path, header: str, cells: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, header, *cells)


def test_refuses_to_merge_rows_with_propensities(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'propensity' belongs to single rows, but repeats are merged \\('mean'\\)"):
        read(tmp_path, "propensity", "0.5", "0.5", "0.5", settings=SETTINGS + "log: {repeats: mean}\n")
