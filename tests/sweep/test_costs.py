"""Estimates: from finished runs like a cell, else from measured speeds."""

from dataclasses import replace
from pathlib import Path

import pytest

from darlr.agents.settings import SelectorConfig
from darlr.artifacts import RunFolder
from darlr.sweep.costs import START, Totals, estimate, in_words, total
from darlr.sweep.plan import Cell, Size
from darlr.world_model.settings import WorldModelConfig
from tests.runs import TrainedOnce
from tests.sweep.grids import small_cells

HOUR = 3600.0

SIZE = Size(290, 300, 6960, 6960)
"""Coat's."""


def sized(cell: Cell, users: int, items: int, rows: int, negatives: int = 0) -> Cell:
    """Return the cell with a world of that size, a schedule of a million steps, and the default world model."""
    schedule = replace(cell.config.training, epochs=10, steps_per_epoch=100_000)
    config = replace(cell.config, training=schedule, world_model=WorldModelConfig())
    return replace(cell, size=Size(users, items, rows, rows * (1 + negatives)), config=config)


def test_without_a_run_like_it_the_published_measurements_speak(tmp_path: Path) -> None:
    mbpo, darlr = small_cells(tmp_path, tmp_path, methods=["mbpo", "darlr"], set={"tracker": {"layers": 1}})
    # docs/results.md: 127,000 steps/s on Coat's size, 18,100 on KuaiRec's, 17,000 with DARLR
    coat = sized(mbpo, 290, 300, 6960)
    kuairec = sized(mbpo, 1411, 3327, 132_520, negatives=5)
    dual = sized(darlr, 290, 300, 6960)
    costs = estimate([coat])[coat.run]
    assert costs.learning == pytest.approx(START + 1e6 / 127_000, rel=0.02)
    assert costs.fit == pytest.approx(6.7, rel=0.1)
    assert 406 < costs.memory_mib < 557
    assert costs.seconds == 0
    costs = estimate([kuairec])[kuairec.run]
    assert costs.learning == pytest.approx(START + 1e6 / 18_100, rel=0.02)
    assert costs.memory_mib == pytest.approx(664, rel=0.1)
    references = darlr.config.own(SelectorConfig).references
    assert references == 20
    assert estimate([dual])[dual.run].learning == pytest.approx(START + 1e6 / 17_000, rel=0.05)


def test_a_large_logs_fit_costs_what_it_was_measured_to(tmp_path: Path) -> None:
    [mbpo] = small_cells(tmp_path, tmp_path, methods="mbpo")
    ratings = sized(mbpo, 15_400, 1_000, 312_000)
    assert estimate([ratings])[ratings.run].fit == pytest.approx(27.5, rel=0.1)
    kuairec = sized(mbpo, 1_411, 3_327, 12_530_806)
    assert 60 < estimate([kuairec])[kuairec.run].fit < 1200  # one epoch
    assert estimate([kuairec])[kuairec.run].memory_mib < 2000


def test_a_finished_run_like_it_tells_its_speed_and_memory(trained_once: TrainedOnce, tmp_path: Path) -> None:
    folder = RunFolder.open(trained_once(tmp_path, {"method": "mbpo"}).path)
    values = folder.read_summary()
    values |= {"seconds": {"sampling": 0.2, "learning": 0.4, "testing": 0.12}, "peak_memory_mib": 123.0}
    with folder:
        folder.write_summary(values)
    done, alike, other = small_cells(
        tmp_path, tmp_path, methods="mbpo", vary={"a2c.discount": [0.9, 0.5], "tracker.kind": ["gru"]}
    )
    costs = estimate([done, alike, other])
    assert done.finished
    assert costs.keys() == {alike.run, other.run}
    assert costs[alike.run].learning == pytest.approx(START + 0.72)  # three epochs of 60 steps, as there
    assert costs[alike.run].memory_mib == 123
    assert costs[alike.run].fit == 0  # it is there already
    assert costs[alike.run].seconds == pytest.approx(0.72)
    assert costs[other.run].seconds == 0
    half_way = replace(alike, epochs=2)
    assert estimate([half_way])[alike.run].learning == pytest.approx(START + 0.24)


def test_agents_that_learn_from_the_log_cost_by_their_updates(tmp_path: Path) -> None:
    [sqn] = small_cells(tmp_path, tmp_path, methods="sqn", set={"offline": {"updates_per_epoch": 2000, "batch_size": 1024}})
    sqn = replace(sqn, size=SIZE)
    tests = 17_000 / 127_000
    assert estimate([sqn])[sqn.run].learning == pytest.approx(START + 3 * (2000 / 108 + tests), rel=0.05)


def test_a_transformer_costs_by_its_size(tmp_path: Path) -> None:
    values = {"offline": {"updates_per_epoch": 2000, "batch_size": 256}}
    [small] = small_cells(tmp_path, tmp_path, methods="decision-transformer", set=values)
    [deep] = small_cells(tmp_path, tmp_path, methods="decision-transformer", set={**values, "decision_transformer.layers": 6})
    costs = [estimate([cell])[cell.run].learning - START for cell in (replace(each, size=SIZE) for each in (small, deep))]
    tests = 17_000 / 127_000
    assert costs[0] == pytest.approx(3 * (2000 / 97 + tests), rel=0.05)
    assert (costs[1] - costs[0]) / (3 * 2000) == pytest.approx(2 * 5.3e-3, rel=0.05)  # four layers more; two take 5.3 ms


def test_methods_that_learn_nothing_cost_their_tests(tmp_path: Path) -> None:
    [ucb] = small_cells(tmp_path, tmp_path, methods="ucb")
    ucb = replace(ucb, size=SIZE)
    assert estimate([ucb])[ucb.run].learning == pytest.approx(START + 3 * 17_000 / 127_000, rel=0.05)


def test_runs_of_other_versions_tell_nothing(trained_once: TrainedOnce, tmp_path: Path) -> None:
    config = trained_once(tmp_path, {"method": "mbpo"}).path / "config.yaml"
    config.write_text(config.read_text() + "gone: 1\n")
    cells = small_cells(tmp_path, tmp_path, methods="mbpo", set={"a2c.discount": 0.5})
    assert estimate(cells)[cells[0].run].seconds == 0


def test_a_shared_world_model_counts_once_and_no_sweep_is_shorter_than_its_longest_cell(tmp_path: Path) -> None:
    cells = small_cells(tmp_path, tmp_path, methods=["mbpo", "mopo", "dorl"])
    costs = {
        cell.run: replace(cost, learning=learning, fit=1.0, memory_mib=memory)
        for (cell, cost), learning, memory in zip(
            zip(cells, estimate(cells).values(), strict=True), (1.0, 2.0, 30.0), (10.0, 30.0, 20.0), strict=True
        )
    }
    assert total(cells, costs, workers=2) == Totals(cpu_seconds=34, seconds=31, memory_mib=50)
    assert total(cells, costs, workers=1) == Totals(cpu_seconds=34, seconds=34, memory_mib=30)
    assert total(cells, {}, workers=2) == Totals(0, 0, 0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (HOUR, "60 min"), (1.5 * HOUR, "1.5 h"), (30.04 * HOUR, "30.0 h")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
