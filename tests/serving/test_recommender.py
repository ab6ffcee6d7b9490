"""A run that serves: raw ids in, ranked raw ids out."""

import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr import Recommender, Request
from darlr.errors import InputError
from tests.runs import train_small, write_planted_world

LEARNING: Mapping[str, Any] = {
    "dataset": "planted",
    "method": "mbpo",
    "world_model": {"max_epochs": 5, "learning_rate": 0.01},
    "a2c": {"learning_rate": 0.02, "minibatch_size": 128},
    "training": {"epochs": 3, "steps_per_epoch": 1000},
}
PERSONAL: Mapping[str, Any] = {"policy": {"prior_weight": 1.0}, "tracker": {"user_state": True}}
"""Settings with which the policy depends on the user's identity."""


@pytest.fixture(scope="module", params=["history alone", "personal"])
def recommender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    folder = tmp_path_factory.mktemp("planted")
    write_planted_world(folder / "planted")
    settings = {**LEARNING, **(PERSONAL if request.param == "personal" else {})}
    return Recommender.load(train_small(folder / "runs", settings, folder).path)


def bare(user: Any = None, items: Any = (), rewards: Any = ()) -> Request:
    """Make a request to which the log adds only the user's identity."""
    return Request(user, items, rewards, exclude_seen=False, history="none")


def items_of(recommender: Recommender, requests: list[Request], count: int = 10) -> list[list[Any]]:
    return [[entry.item for entry in answer] for answer in recommender.recommend(requests, count)]


def liked(items: list[Any]) -> int:
    return sum(int(item.removeprefix("i")) % 2 for item in items)


def test_ids_are_those_of_the_data(recommender: Recommender) -> None:
    assert set(recommender.user_ids) == {f"u{user}" for user in range(40)}
    assert set(recommender.item_ids) == {f"i{item}" for item in range(40)}


@pytest.mark.parametrize("user", ["u3", "u35"])  # the second was in the log, but not in the test world
def test_known_users_get_what_is_liked_best_first(recommender: Recommender, user: str) -> None:
    [answer] = recommender.recommend([bare(user)], 40)
    scores = [entry.score for entry in answer]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)
    assert len({entry.item for entry in answer}) == 40
    assert liked([entry.item for entry in answer[:10]]) >= 8


@pytest.mark.parametrize(("recommender", "personal"), [("history alone", False), ("personal", True)], indirect=["recommender"])
def test_who_the_user_is_counts_where_it_was_asked_for(recommender: Recommender, personal: bool) -> None:
    one, other = ([entry.score for entry in answer] for answer in recommender.recommend([bare("u3"), bare("u35")], 40))
    assert (one != pytest.approx(other, rel=1e-4)) == personal


def test_new_users_are_served_by_their_recent_items(recommender: Recommender) -> None:
    history = bare("newcomer", ("i0", "i1"), (1, 5))
    [answer] = items_of(recommender, [history])
    assert liked(answer) >= 8
    assert not {"i0", "i1"} & set(answer)
    nameless = bare(None, history.items, history.rewards)
    assert items_of(recommender, [nameless]) == [answer]
    assert liked(items_of(recommender, [bare()])[0]) >= 8  # nothing is known of this one


def test_recent_items_change_the_scores_and_are_left_out(recommender: Recommender) -> None:
    first = recommender.recommend([bare("u3")], 40)[0]
    best = [str(entry.item) for entry in first[:3]]
    [answer] = recommender.recommend([bare("u3", best, [5.0] * 3)], 37)
    assert not set(best) & {entry.item for entry in answer}
    rest = {entry.item: entry.score for entry in first if entry.item not in best}
    assert {entry.item for entry in answer} == set(rest)
    share = sum(rest.values())
    assert any(entry.score != pytest.approx(rest[entry.item] / share, rel=1e-4) for entry in answer)


def test_the_logged_past_is_the_window_of_a_policy_that_looks_at_one(recommender: Recommender) -> None:
    """As if the request had told the user's rows of the log; they are not recommended either way."""
    random = np.random.default_rng(0)  # as the planted world is written
    orders = [random.permutation(40)[:20] for _ in range(4)]
    had = [f"i{item}" for item in orders[3]]
    told = bare("u3", had, [5 if item % 2 else 1 for item in orders[3]])
    [logged], [stated] = (recommender.recommend([request], 20) for request in (Request("u3"), told))
    assert [entry.item for entry in logged] == [entry.item for entry in stated]
    assert [entry.score for entry in logged] == pytest.approx([entry.score for entry in stated])
    [without] = recommender.recommend([Request("u3", history="none")], 20)
    assert {entry.item for entry in without} == {entry.item for entry in logged}
    assert [entry.score for entry in without] != pytest.approx([entry.score for entry in logged], rel=1e-4)


def test_an_answer_does_not_depend_on_its_company(recommender: Recommender) -> None:
    requests = [bare("u3"), bare("new", ("i7",), (5,)), bare("u35", ("i2", "i4", "i6", "i8"), (1, 2, 3, 4)), bare()]
    together = recommender.recommend(requests, 5)
    for request, answer in zip(requests, together, strict=True):
        [alone] = recommender.recommend([request], 5)
        assert [entry.item for entry in alone] == [entry.item for entry in answer]
        assert [entry.score for entry in alone] == pytest.approx([entry.score for entry in answer])
    assert recommender.recommend([], 5) == []


@pytest.mark.parametrize(
    ("request_", "count", "message"),
    [
        (bare("u3"), 0, "count is 0; expected from 1 to 1,000,000"),
        (bare("nobody"), 1, "request 2, user 'nobody': unknown user 'nobody', no id of the log"),
        (bare("U3"), 1, "unknown user 'U3', no id of the log; did you mean 'u3'"),
        (bare(3), 1, "unknown user 3"),
        (bare(True), 1, "unknown user True"),
        (bare(["u3"]), 1, "unknown user"),
        (bare("u3", ("i99",), (5,)), 1, "request 2, user 'u3': unknown item 'i99' among the recent items"),
        (bare("u3", ("i1",), ()), 1, "user 'u3': 1 recent items and 0 rewards; expected one reward for each item"),
        (bare("u3", ("i1",), (6,)), 1, "request 2, user 'u3': a recent reward is 6; expected 1 to 5"),
        (bare("u3", ("i1",), ("5",)), 1, "a recent reward is '5'; expected 1 to 5"),
        (bare("u3", ("i1",), (float("nan"),)), 1, "is nan; expected 1 to 5"),
    ],
)
def test_refuses_what_it_cannot_serve(recommender: Recommender, request_: Request, count: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recommender.recommend([bare("u0"), request_], count, on_unknown="error")


def test_what_is_unknown_is_told_and_stops_nobody_else(recommender: Recommender) -> None:
    requests = [bare("u3"), bare("u99", ("i1", "i99", "i1 "), (5, 1, 1)), bare("U3")]
    expected = recommender.recommend([bare("u3"), bare(None, ("i1",), (5,)), bare()], 5)
    notes = (
        "unknown user 'u99', no id of the log; served as a new user",
        "unknown item 'i99' among the recent items; left out of the history",
        "unknown item 'i1 ' among the recent items; left out of the history; did you mean 'i1'?",
    )
    served = recommender.recommend(requests, 5)
    assert [[entry.item for entry in answer] for answer in served] == [[entry.item for entry in answer] for answer in expected]
    assert [answer.user for answer in served] == ["u3", "u99", "U3"]
    assert [answer.notes for answer in served[:2]] == [(), notes]
    skipping = recommender.recommend(requests, 5, on_unknown="skip")
    assert [len(answer) for answer in skipping] == [5, 0, 0]
    assert skipping[1].notes[0] == "unknown user 'u99', no id of the log; the request is skipped"
    with pytest.raises(InputError, match="unknown value of on_unknown 'now'; did you mean 'new'"):
        recommender.recommend(requests, 5, on_unknown="now")  # type: ignore[arg-type]


@pytest.mark.parametrize(("seen", "count"), [(40, 5), (39, 5), (38, 3), (38, 40), (0, 41)])
def test_who_has_seen_nearly_everything_gets_what_is_left(recommender: Recommender, seen: int, count: int) -> None:
    items = [f"i{item}" for item in range(seen)]
    before, answer, after = recommender.recommend([bare("u3"), bare("u4", items, [3] * seen), bare("u5")], count)
    assert {entry.item for entry in answer} <= {f"i{item}" for item in range(seen, 40)}
    assert len(answer) == 40 - seen
    assert answer.notes == (f"{count} items are asked for, and {40 - seen} are left to recommend",)
    assert len(before) == len(after) == min(count, 40)
    assert bool(before.notes) == (count > 40)


def test_a_run_without_a_policy_or_with_a_damaged_one_is_refused(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "planted")
    run = train_small(tmp_path / "runs", {**LEARNING, "training": {"epochs": 1}}, tmp_path).path
    policy = run / "policy.safetensors"
    policy.write_bytes(policy.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"policy\.safetensors: cannot be used, it is cut short"):
        Recommender.load(run)
    policy.unlink()
    with pytest.raises(InputError, match="this run has no policy yet"):
        Recommender.load(run)


def test_the_package_and_the_help_do_not_wait_for_torch() -> None:
    program = """
        import sys
        import darlr
        from darlr.cli.main import main
        sys.argv = ["darlr", "--help"]
        try:
            main()
        except SystemExit as end:
            assert end.code == 0
        sys.argv = ["darlr", "datasets"]
        main()
        assert "torch" not in sys.modules
        assert darlr.Recommender.__name__ == "Recommender"
        assert "torch" in sys.modules
        """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True)
