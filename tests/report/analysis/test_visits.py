"""The table of a test over several visits."""

from typing import Any

import pytest

from darlr.report.analysis.visits import visits_table
from darlr.report.rendering.table import Quantity, to_markdown


def several_visits(policy: float, popular: float, variational: float) -> dict[str, Any]:
    def values(total: float) -> dict[str, float]:
        return {"visits": 4.0, "r_total": total, "r_visit": total / 4}

    lists = {"popular": values(popular), "variational_skipping": values(variational)}
    return {"days": 28.0, "policy": values(policy), "opponents": lists}


def test_policy_first_then_the_best_list() -> None:
    table = visits_table([several_visits(80, 20, 60)], "synthetic", "dqn")
    assert [row[0] for row in table.rows] == ["dqn", "variational skipping", "popular"]
    assert table.rows[1][1:] == (Quantity(4.0), Quantity(60.0), Quantity(15.0))
    assert "28 days" in table.title
    assert "±" not in to_markdown(table)


def test_means_over_seeds() -> None:
    """The half-width of the 95% t interval of 80 and 82: 12.706, the quantile for one degree of freedom."""
    table = visits_table([several_visits(80, 20, 60), several_visits(82, 90, 61)], "synthetic", "dqn")
    total = table.rows[0][2]
    assert isinstance(total, Quantity)
    assert total.value == 81
    assert total.spread == pytest.approx(12.706, abs=1e-3)
    assert [row[0] for row in table.rows] == ["dqn", "variational skipping", "popular"]
    assert "2 seeds" in table.notes[0]
