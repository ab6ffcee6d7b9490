"""Rows of marks and bars."""

import pytest

from darlr.report.page.rows import bar_rows


@pytest.mark.parametrize(
    ("rows", "lengths"),
    [
        ([("mbpo", [3.0, 1.0]), ("dorl", [2.0, 0.0])], [3, 1, 2, 0]),
        ([("mbpo", [0.0, 0.0])], [0, 0]),  # a run too short for its clock
        ([("mbpo", [-1.0, -2.0]), ("dorl", [-3.0, 0.0])], [0, 0, 0, 0]),  # a clock that was set back
        ([("mbpo", [-1.0, 2.0])], [0, 2]),
        ([("mbpo", [1e-300, 3e-300])], [0, 0]),  # too short to be seen
    ],
)
def test_bars_are_as_long_as_their_parts(rows: list[tuple[str, list[float]]], lengths: list[float]) -> None:
    picture = bar_rows("seconds", "seconds an epoch", ("sampling", "learning"), rows)
    widths = [float(bar.get("width", "")) for bar in picture.iter("rect")]
    longest = max(widths)
    assert widths == pytest.approx([longest * length / max(1, *lengths) for length in lengths], abs=0.2)
    assert longest > 0 or not any(lengths)
