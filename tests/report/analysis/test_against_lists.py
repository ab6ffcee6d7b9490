"""Methods against the best list, with hand-worked differences."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.errors import InputError
from darlr.evaluation.user_returns import USER_RETURNS, write_user_returns
from darlr.report.analysis.against_lists import against_lists_table, best_list, headline
from darlr.report.analysis.runs import Group, collect
from darlr.report.rendering.table import Cell, Quantity, Table
from tests.report.folders import write_run

USERS = ["7", "8", "9"]


def write(out: Path, method: str, seed: int, own: float | None, by_user: Any = None, **lists: float) -> Path:
    """Write a run whose policy has the value `own` on every user; by_user: its and the lists' returns by user."""
    opponents = {name: {"nx_0": {"r_tra": value}} for name, value in lists.items()}
    extra = None if own is None else {"every_user": {"nx_0": {"r_tra": own}}}
    path = write_run(out, method, seed, opponents=opponents, extra=extra)
    if by_user is not None:
        write_user_returns(path / USER_RETURNS, USERS, {name: np.array(values, float) for name, values in by_user.items()})
    return path


def groups(out: Path) -> tuple[Group, ...]:
    return collect([out]).groups["coat"]


def table(out: Path) -> Table:
    found = against_lists_table("coat", groups(out))
    assert found is not None
    return found


def column(found: Table, name: str) -> list[Cell]:
    return [row[found.header.index(name)] for row in found.rows]


def test_seeds_are_pairs(tmp_path: Path) -> None:
    for seed, (own, item_mean) in enumerate([(11.0, 10.0), (13.0, 10.5), (12.0, 9.5)]):
        write(tmp_path, "dorl", seed, own, popular=9.0, item_mean=item_mean, uniform_random=1.0, truth_oracle=50.0)
    found = table(tmp_path)
    assert found.notes[0].startswith("Best list: item mean, 10 on every user")
    (difference,) = column(found, "less the best list (seeds)")
    assert isinstance(difference, Quantity)
    # 1, 2.5 and 2.5: mean 2, deviation sqrt(0.75), t quantile of two degrees of freedom 4.3027
    assert difference.value == pytest.approx(2.0)
    assert difference.spread == pytest.approx(4.3027 * 0.75**0.5 / 3**0.5, abs=1e-3)
    assert "p (users)" not in found.header


def test_users_are_pairs_where_runs_tell_them(tmp_path: Path) -> None:
    write(tmp_path, "dorl", 0, 2.0, {"policy": [1, 2, 3], "popular": [1, 1, 1]}, popular=1.0)
    write(tmp_path, "dorl", 1, 4.0, {"policy": [3, 4, 5], "popular": [1, 2, 3]}, popular=2.0)
    (difference,) = column(table(tmp_path), "less the best list (users)")
    assert isinstance(difference, Quantity)
    # Means over seeds: 2, 3, 4 against 1, 1.5, 2, so 1, 1.5 and 2 more.
    assert difference.value == pytest.approx(1.5)
    assert difference.spread == pytest.approx(4.3027 * 0.5 / 3**0.5, abs=1e-3)


def test_the_best_list_may_stand_beside_another_method(tmp_path: Path) -> None:
    write(
        tmp_path,
        "dorl",
        0,
        5.0,
        {"policy": [5, 5, 5], "popular": [2, 2, 2], "greedy_world_model": [3, 3, 3]},
        popular=2.0,
        greedy_world_model=3.0,
    )
    write(
        tmp_path,
        "mbpo",
        0,
        6.0,
        {"policy": [6, 6, 6], "popular": [2, 2, 2], "greedy_world_model": [4, 4, 7]},
        popular=2.0,
        greedy_world_model=5.0,
    )
    found = table(tmp_path)
    assert column(found, "less the best list (seeds)") == [Quantity(0.0), Quantity(1.0)]
    users = column(found, "less the best list (users)")
    assert [cell.value for cell in users if isinstance(cell, Quantity)] == [0.0, 1.0]


def test_without_lists_or_a_judgement_on_every_user_there_is_no_table(tmp_path: Path) -> None:
    write(tmp_path / "none", "dorl", 0, 5.0, uniform_random=1.0, truth_oracle=9.0)
    assert best_list(groups(tmp_path / "none")) is None
    assert against_lists_table("coat", groups(tmp_path / "none")) is None
    write(tmp_path / "old", "dorl", 0, None, popular=1.0)
    assert against_lists_table("coat", groups(tmp_path / "old")) is None


def test_runs_whose_users_differ_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "dorl", 0, 2.0, {"policy": [1, 2, 3], "popular": [1, 1, 1]}, popular=1.0)
    path = write(tmp_path, "dorl", 1, 2.0, popular=1.0)
    write_user_returns(path / USER_RETURNS, ["7", "9", "8"], {"policy": np.full(3, 2.0), "popular": np.ones(3)})
    with pytest.raises(InputError, match=r"has other users than .*expected the same, in the same order"):
        table(tmp_path)
    write_user_returns(path / USER_RETURNS, USERS, {"policy": np.full(3, 2.0)})
    with pytest.raises(InputError, match="has no column 'popular', though the run's summary has that list"):
        table(tmp_path)


def test_returns_that_do_not_give_the_summarys_mean_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "dorl", 0, 2.0, {"policy": [1, 2, 4], "popular": [1, 1, 1]}, popular=1.0)
    with pytest.raises(InputError, match=r"user_returns\.parquet: the mean of 'policy' is 2\.33333, and the summary's is 2\.0"):
        table(tmp_path)


def test_a_list_that_adapts_is_no_fixed_list_and_has_a_row(tmp_path: Path) -> None:
    for seed in (0, 1):
        write(tmp_path, "dorl", seed, 5.0 + seed, popular=2.0, list_with_belief=7.0, list_with_belief_skipping=9.0)
    found = table(tmp_path)
    assert column(found, "method") == ["dorl", "list with belief skipping"]
    assert column(found, "less the best list (seeds)")[1] == Quantity(7.0, 0.0)
    assert found.notes[0].startswith("Best list: popular, 2 on every user")


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ([12.0, 12.1, 12.2], "dorl beats the best list (popular) by 2.100 ± 0.248 of R_tra on every user (3 seeds, p < 0.001)"),
        ([9.0, 8.9, 8.8], "dorl falls short of the best list (popular) by 1.100 ± 0.248 of R_tra on every user (3 seeds, p = "),
        ([9.0, 12.0, 10.0], "dorl, perhaps by chance, beats the best list (popular) by 0.333 ± 3.795 of R_tra on every user"),
        ([10.0, 10.0, 10.0], "dorl has what the best list (popular) has of R_tra on every user (3 seeds)."),
        ([12.0], "dorl, perhaps by chance, beats the best list (popular) by 2.000 of R_tra on every user (1 seed)."),
    ],
)
def test_the_headline_tells_the_best_method_against_the_best_list(tmp_path: Path, own: list[float], told: str) -> None:
    for seed, value in enumerate(own):
        write(tmp_path, "dorl", seed, value, popular=10.0)
    assert (headline("coat", groups(tmp_path)) or "").startswith(f"coat: {told}")


def test_the_headline_takes_the_best_method_that_is_not_told_the_truth(tmp_path: Path) -> None:
    for seed in (0, 1):
        write(tmp_path, "gt", seed, 20.0 + seed, popular=10.0)
        write(tmp_path, "dorl", seed, 12.0 + seed / 10, popular=10.0)
        write(tmp_path, "mbpo", seed, 11.0 + seed / 10, popular=10.0)
    found = headline("coat", groups(tmp_path))
    assert found is not None
    assert found.startswith("coat: dorl beats")


def test_of_one_seed_the_headline_asks_the_users(tmp_path: Path) -> None:
    write(tmp_path, "dorl", 0, 2.0, {"policy": [1.9, 2.0, 2.1], "popular": [1, 1, 1]}, popular=1.0)
    found = headline("coat", groups(tmp_path))
    assert found is not None
    assert found.startswith("coat: dorl beats the best list (popular) by 1.000 ±")
    assert "(3 users, p = 0.003)" in found


def test_without_lists_there_is_no_headline(tmp_path: Path) -> None:
    write(tmp_path, "dorl", 0, 2.0)
    assert headline("coat", groups(tmp_path)) is None
