"""What trials are measured by, worked out by hand."""

import pytest

from darlr.tuning.measure import returns


def test_the_measure_is_the_mean_of_the_last_fifth_of_the_epochs_so_far() -> None:
    records = [{"referee/sampled/r_tra": value, "nx_0/sampled/r_tra": 99.0} for value in (3.0, 1.0, 2.0, 4.0, 6.0, 10.0)]
    assert returns(records) == [3.0, 1.0, 2.0, 4.0, 6.0, 8.0]  # of six epochs the last two


def test_nothing_is_measured_before_the_first_epoch() -> None:
    assert returns([]) == pytest.approx([])
