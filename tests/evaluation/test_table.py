"""The table of metrics: its extension, and its agreement with the documentation."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from darlr.errors import InputError
from darlr.evaluation.metrics import FinishedEpisodes
from darlr.evaluation.modes import HELD_OUT, NX_0, RECORDED_MODES, SIMULATOR
from darlr.evaluation.table import METRICS, RETURN, Metric, drawn, recorded_in, register_metric, tabulated, values_of

DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

LONGEST = Metric(
    name="longest",
    label="Longest",
    description="the steps of the longest episode",
    unit="steps",
    better="higher",
    compute=lambda episodes: float(episodes.lengths.max()),
)
TWO_EPISODES = FinishedEpisodes(
    lengths=torch.tensor([2, 1]),
    rewards=torch.tensor([[1.0, 2.0], [4.0, 0.0]]),
    actions=torch.tensor([[3, 0], [3, 9]]),  # the last one was not taken
    taken=torch.tensor([[True, True], [True, False]]),
    n_allowed=8,
    dominated=torch.tensor([True, False, False, False]),
)


@pytest.fixture
def longest() -> Iterator[Metric]:
    yield register_metric(LONGEST)
    METRICS.unregister(LONGEST.name)


def test_values_of_episodes_by_hand() -> None:
    assert values_of(TWO_EPISODES, NX_0) == {
        "r_tra": 3.5,
        "r_each": pytest.approx(7 / 3),
        "length": 1.5,
        "mcd": pytest.approx(1 / 3),
        "cv": 2 / 8,
        "cv_turn": pytest.approx(2 / 3),
    }
    assert values_of(TWO_EPISODES, SIMULATOR) == {"r_tra": 3.5, "length": 1.5}
    assert values_of(replace(TWO_EPISODES, dominated=None), NX_0)["mcd"] is None


def test_values_of_slates_by_hand() -> None:
    slates = torch.tensor([[[3, 1], [0, 2]], [[3, 2], [9, 9]]])
    episodes = replace(TWO_EPISODES, slates=slates, actions=torch.tensor([[3, 8], [3, 9]]))  # nothing is chosen at one step
    assert values_of(episodes, NX_0) == {
        "r_tra": 3.5,
        "r_each": pytest.approx(7 / 3),
        "length": 1.5,
        "mcd": pytest.approx(1 / 6),
        "cv": 4 / 8,
        "cv_turn": pytest.approx(4 / 6),
        "r_slot": pytest.approx(7 / 6),
        "choice_rate": pytest.approx(2 / 3),
    }
    assert values_of(episodes, SIMULATOR) == {"r_tra": 3.5, "length": 1.5}


def test_a_registered_metric_is_measured_tabulated_and_drawn(longest: Metric) -> None:
    assert values_of(TWO_EPISODES, NX_0)["longest"] == 2.0
    assert "longest" not in values_of(TWO_EPISODES, SIMULATOR)
    assert tabulated(NX_0)[-1] == drawn(NX_0)[-1] == longest
    assert (longest.heading, longest.axis) == ("Longest, higher is better", "Longest (steps)")


def test_a_metric_is_shown_as_far_as_it_asks_for() -> None:
    for shown, places in (("records", 0), ("tables", 1), ("pictures", 2)):
        register_metric(replace(LONGEST, shown=shown))  # type: ignore[arg-type]
        found = [LONGEST.name in [metric.name for metric in choose(NX_0)] for choose in (tabulated, drawn)]
        METRICS.unregister(LONGEST.name)
        assert sum(found) == places


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "r_tra"}, "a metric named 'r_tra' already"),
        ({"name": "a/b"}, "named 'a/b'; expected lower-case letters, digits and underscores"),
        ({"name": ""}, "named ''; expected"),
        ({"modes": ("nx_1",)}, "metric 'longest' has mode 'nx_1'; expected one of nx_0, fb"),
        ({"modes": (NX_0, HELD_OUT)}, "metric 'longest' has mode 'held_out' and no 'compute_of_lists'"),
        ({"compute": None}, "metric 'longest' has no 'compute'"),
    ],
)
def test_metrics_that_cannot_be_recorded_are_refused(changes: dict[str, object], message: str) -> None:
    before = list(METRICS)
    with pytest.raises(InputError, match=message):
        register_metric(replace(LONGEST, **changes))  # type: ignore[arg-type]
    assert list(METRICS) == before


def test_a_value_that_is_no_number_is_refused() -> None:
    register_metric(replace(LONGEST, compute=lambda episodes: episodes.lengths.max()))  # type: ignore[arg-type,return-value]
    try:
        with pytest.raises(InputError, match="metric 'longest' gave a Tensor; expected a number or None"):
            values_of(TWO_EPISODES, NX_0)
    finally:
        METRICS.unregister(LONGEST.name)


def test_names_in_records() -> None:
    assert RETURN.recorded("nx_0", "sampled") == "nx_0/sampled/r_tra"
    assert [metric.name for metric in recorded_in(HELD_OUT)] == [
        *("ndcg_10", "recall_10", "hit_rate_10", "mrr_10", "map_10"),
        *("coverage_10", "gini_10", "novelty_10", "popularity_bias_10", "calibration_10"),
    ]
    assert [metric.name for metric in tabulated(HELD_OUT)] == ["ndcg_10", "recall_10", "hit_rate_10", "mrr_10", "coverage_10"]
    assert [metric.name for metric in drawn(HELD_OUT)] == ["ndcg_10", "recall_10"]


def test_documentation_has_every_metric_and_mode() -> None:
    lines = DOCUMENTATION.read_text(encoding="utf-8").splitlines()
    head = lines.index("| metric | what | unit | better |") + 2
    expected = [
        f"| `{metric.name}` | {metric.label}: {metric.description} | {metric.unit} | {metric.better or ''} |"
        for metric in METRICS.values()
    ]
    assert lines[head : head + len(expected)] == expected
    assert lines[head + len(expected)] == ""
    modes = " ".join(f"`{mode}`: {what}." for mode, what in RECORDED_MODES.items())
    assert f"| mode | {modes} |" in lines


def test_reports_do_without_torch() -> None:
    modules = "darlr.report.page.page, darlr.report.plots.compared_curves, darlr.report.analysis.difference"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
