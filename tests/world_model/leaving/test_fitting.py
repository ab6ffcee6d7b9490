"""Hazards fitted to logs: known ones are found, and logs without an answer are refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from darlr.data.dataset import Dataset
from darlr.data.exposure import Exposure
from darlr.data.readers.synthetic import generate
from darlr.data.sessions import sessions_of
from darlr.data.settings import SyntheticConfig
from darlr.errors import InputError
from darlr.world.hazard import FEATURES
from darlr.world.settings import LeaveConfig
from darlr.world_model.leaving.decisions import decisions_of
from darlr.world_model.leaving.fitting import CONSTANT, LEARNED, fit_leaving
from tests.worlds import catalog_of, dataset_of, log_of

LEAVE = LeaveConfig(by="learned", window=2, max_steps=3)


def visited(sessions: list[int], rewards: float | None = None) -> Dataset:
    """Sessions of these lengths of one user each."""
    random = np.random.default_rng(0)
    rows = [
        (user, step % 5, 5 * random.random() if rewards is None else rewards)
        for user, length in enumerate(sessions)
        for step in range(length)
    ]
    log = log_of(rows, len(sessions), 5)
    numbers = np.repeat(np.arange(len(sessions)), sessions)
    return dataset_of(replace(log, exposure=Exposure(sessions=numbers)), catalog_of([[0], [1], [0], [1], [0]]))


def test_decisions_of_a_log() -> None:
    log = log_of([(0, 0, 5.0), (0, 2, 0.0), (0, 2, 2.5), (0, 1, 2.5), (1, 4, 1.0)], 2, 5)
    exposure = Exposure(sessions=np.array([0, 0, 0, 0, 1]))
    dataset = dataset_of(replace(log, exposure=exposure), catalog_of([[0], [1], [0], [1], [0]]))
    found = decisions_of(dataset, sessions_of(dataset.log, 30), window=2, max_steps=3)
    expected = [
        [1, 0, 1.0, 1.0, 0, 0],
        [1, np.log(2), 0.0, 0.5, 1, 0],
        [1, np.log(3), 0.5, 0.5, 2, 1],
        [1, 0, 0.2, 0.2, 0, 0],
    ]
    torch.testing.assert_close(found.features, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)
    assert found.left.tolist() == [False, False, False, True]  # the first session went on after its third step
    assert found.users.tolist() == [0, 0, 0, 1]
    assert found.steps.tolist() == [1, 2, 3, 1]


def test_finds_the_known_hazard_of_a_generated_world() -> None:
    loaded = generate(SyntheticConfig(leave="hazard"))
    fitted = fit_leaving(loaded.dataset, loaded.dataset.leave)
    assert loaded.truth is not None
    known = loaded.truth.leave
    assert known is not None
    assert fitted.kind == LEARNED
    shown = [name != "repeats" for name in FEATURES]  # its items are never shown twice
    off = (fitted.hazard.weights - known.weights)[shown] / fitted.errors[shown]
    assert np.abs(off).max() < 3
    assert fitted.spread == pytest.approx(0.5, abs=0.06)
    assert np.corrcoef(fitted.hazard.effects, known.effects)[0, 1] > 0.5
    check = fitted.check
    assert check.gain > 5 * check.gain_error
    assert check.learned > check.by_step
    assert check.calibration_error < 0.02
    assert check.predicted_length == pytest.approx(check.length, rel=0.06)


def test_a_log_that_teaches_nothing_gives_a_constant() -> None:
    random = np.random.default_rng(0)
    fitted = fit_leaving(visited(random.geometric(0.4, size=2_000).tolist()), LEAVE)
    assert (fitted.kind, fitted.spread) == (CONSTANT, 0.0)
    assert 1 / (1 + np.exp(-fitted.hazard.weights[0])) == pytest.approx(0.4, abs=0.05)
    assert not fitted.hazard.weights[1:].any()
    assert "constant hazard, because the learned one is no better" in fitted.line()


def test_held_out_rows_are_part_of_the_sessions() -> None:
    loaded = generate(SyntheticConfig(60, 80, leave="hazard"))
    dataset = loaded.dataset
    holes = replace(dataset, log=dataset.log.rows(np.arange(len(dataset.log)) % 3 > 0), session_log=dataset.log)
    assert fit_leaving(holes, dataset.leave).record() == fit_leaving(dataset, dataset.leave).record()


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (dataset_of(log_of([(0, 0, 1.0)], 1, 1)), "neither sessions nor times"),
        (visited([40]), "the log's 1 sessions have 0 steps after which a user left"),
        (visited([1] * 200), "0 after which one stayed"),
        (visited([2] * 30), "at least 50 of each"),
    ],
)
def test_refuses_logs_without_enough_sessions(dataset: Dataset, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_leaving(dataset, LEAVE)
