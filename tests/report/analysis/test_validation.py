"""The table of judges compared with the truth."""

import pytest

from darlr.report.analysis.validation import judge_label, validation_table
from darlr.report.rendering.table import to_markdown
from tests.report.judges import judges


def test_the_judge_that_agrees_most_comes_first_and_one_without_a_tau_last() -> None:
    lines = to_markdown(validation_table(judges())).splitlines()
    assert lines[4:7] == [
        "| referee | 1.000 | 1.00 to 1.00 | 0.000 | good |  | -0.333 |",
        "| DR | -0.333 | -1.00 to 1.00 | 4.000 | fair one | 2 of 3 | 1.000 |",
        "| IPS, estimated propensities |  |  | 2.000 | 2 alike | 0 of 2 |  |",
    ]
    assert "3 policies; true returns from 1 (bad) to 9 (good)." in lines[8]
    assert "Note: the log is small." in lines[11]


@pytest.mark.parametrize(
    ("judge", "label"),
    [
        ("simulator", "own simulator"),
        ("ndcg_10", "held-out NDCG@10"),
        ("snips", "SNIPS"),
        ("dm/estimated", "direct method, est"),
    ],
)
def test_judges_have_names(judge: str, label: str) -> None:
    assert judge_label(judge).startswith(label)
