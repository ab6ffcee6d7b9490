"""The study on disk: its proposals, its storage, and when it gives up a trial."""

from pathlib import Path

import pytest

from darlr.errors import InputError
from darlr.tuning import search as module
from darlr.tuning.search import Search
from darlr.tuning.space import Choices, Range, Space

SPACE = Space(
    "own",
    {
        "a2c.learning_rate": Range(0.0001, 0.01, log=True),
        "tracker.window": Range(1, 9),
        "policy.hidden_sizes": Choices(((8,), (8, 8))),
    },
)


def searched(file: Path, values: list[float], reopen: bool) -> list[dict[str, object]]:
    """The settings of trials that end with `values`."""
    search = Search(file, SPACE, seed=3, epochs=4)
    points = []
    for number, value in enumerate(values):
        if reopen:
            search = Search(file, SPACE, seed=3, epochs=4)
        search.begin(number)
        search.begin(number)  # has begun
        points.append(search.point(number))
        search.end(number, "finished", value)
    return points


def test_proposals_depend_on_the_seed_and_on_earlier_results_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RANDOM_TRIALS", 2)
    values = [1.0, 3.0, 2.0, 5.0]
    points = searched(tmp_path / "a.db", values, reopen=False)
    assert searched(tmp_path / "b.db", values, reopen=True) == points
    for point in points:
        rate, window, sizes = point.values()
        assert isinstance(rate, float)
        assert 0.0001 <= rate <= 0.01
        assert float(f"{rate:.4g}") == rate
        assert window in range(1, 10)
        assert sizes in ([8], [8, 8])


def test_what_is_proposed_comes_first_and_once(tmp_path: Path) -> None:
    search = Search(tmp_path / "a.db", SPACE, seed=0, epochs=4)
    point = {"a2c.learning_rate": 0.002, "tracker.window": 3, "policy.hidden_sizes": (8, 8)}
    search.propose([point])
    search.propose([point])
    assert len(search) == 1
    search.begin(0)
    assert search.point(0) == {**point, "policy.hidden_sizes": [8, 8]}
    assert (search.state(0), search.value(0)) == ("begun", None)
    search.note(0, epochs=4)
    search.end(0, "finished", 1.5)
    again = Search(tmp_path / "a.db", SPACE, seed=0, epochs=4)
    again.propose([point])
    assert len(again) == 1
    assert (again.state(0), again.value(0), again.notes(0)) == ("finished", 1.5, {"epochs": 4})


def test_a_trial_is_given_up_below_the_median_of_the_finished_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RANDOM_TRIALS", 3)
    search = Search(tmp_path / "a.db", SPACE, seed=0, epochs=5)  # of which the first is no reason
    for number, curve in enumerate(([1.0, 1, 1, 1, 1], [2.0, 2, 2, 2, 2], [3.0, 3, 3, 3, 3])):
        search.begin(number)
        assert not search.gives_up(number, curve)
        search.end(number, "finished", curve[-1])
    for number in (3, 4, 5):
        search.begin(number)
    assert not search.gives_up(3, [2.1])
    assert not search.gives_up(3, [2.1, 0.0, 0.0, 0.0, 0.0])  # its best was above
    assert search.gives_up(4, [0.5, 1.9])
    assert search.gives_up(4, [0.5])  # for good
    assert not search.gives_up(5, [0.5])
    assert search.gives_up(5, [0.5, 1.0, 9.0])
    again = Search(tmp_path / "a.db", SPACE, seed=0, epochs=5)
    assert again.gives_up(4, [])
    again.end(4, "pruned")
    assert (again.state(4), again.value(4)) == ("pruned", None)


def test_a_file_that_is_no_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("something else, and long enough to be looked at as a data base" * 10)
    with pytest.raises(InputError, match=r"a\.db: cannot be gone on with \(file is not a database\); delete its folder"):
        Search(tmp_path / "a.db", SPACE, seed=0, epochs=4)
