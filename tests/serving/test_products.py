"""Requests as products make them: candidates, past, new users, and explanations."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from darlr import Answer, Recommender, Request
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.run.history import HISTORY, load_history
from darlr.serving.batch import write_all
from darlr.serving.messages import ANYBODY
from tests.serving.shop import ITEMS, LOGGED, WINDOW

EVERYTHING = [f"i{item}" for item in range(ITEMS)]
ANSWERED = ["i1", "i2", "i5"]
FEEDBACK = Request("u4", ANSWERED, (5, 1, 4), exclude_seen=False)


def ask(recommends: Recommender, request: Request, count: int = ITEMS, **options: Any) -> Answer:
    [answer] = recommends.recommend([request], count, **options)
    return answer


def items_of(answer: Answer) -> list[Any]:
    return [entry.item for entry in answer]


def logged(shop: Path, user: str) -> list[tuple[str, float]]:
    rows = csv.DictReader((shop / "shop" / "log.csv").open())
    return [(row["item_id"], float(row["reward"])) for row in rows if row["user_id"] == user]


def test_what_the_log_says_a_user_had_is_left_out_unless_it_is_wanted(recommends: Recommender, shop: Path) -> None:
    had = {item for item, _ in logged(shop, "u3")}
    answer = ask(recommends, Request("u3"))
    assert set(items_of(answer)) == set(EVERYTHING) - had
    assert answer.notes == (f"{ITEMS} items are asked for, and {ITEMS - LOGGED} are left to recommend",)
    whole = ask(recommends, Request("u3", exclude_seen=False))
    assert set(items_of(whole)) == set(EVERYTHING)
    assert [item for item in items_of(whole) if item not in had] == items_of(answer)


def test_candidates_are_all_that_is_ranked_and_exclusions_all_that_is_not(recommends: Recommender, shop: Path) -> None:
    chosen = ["i3", "i4", "i5", "i6", "i99"]
    answer = ask(recommends, Request(candidates=chosen, exclude=["i4"]), 10)
    assert sorted(items_of(answer)) == ["i3", "i5", "i6"]
    assert sum(entry.score for entry in answer) == pytest.approx(1, abs=1e-5)
    assert answer.notes == (
        "unknown item 'i99' among the candidates; left out of the candidates",
        "10 items are asked for, and 3 are left to recommend",
    )
    without = ask(recommends, Request(exclude=["i4"]))
    assert set(items_of(without)) == set(EVERYTHING) - {"i4"}
    assert len(ask(recommends, Request(candidates=[]), 3)) == 0
    with pytest.raises(InputError, match="request 1, user None: unknown item 'i99' among the candidates"):
        recommends.recommend([Request(candidates=chosen)], on_unknown="error")


def test_known_items_are_scored_in_the_order_in_which_they_are_given(recommends: Recommender, shop: Path) -> None:
    had = logged(shop, "u3")[0][0]
    whole = {entry.item: entry for entry in ask(recommends, Request("u3", exclude_seen=False))}
    others = [item for item in EVERYTHING if item != had][:2]
    scored = recommends.score("u3", [others[1], had, "i99", others[0]])
    assert items_of(scored) == [others[1], had, others[0]]
    assert [entry.expected_reward for entry in scored] == pytest.approx(
        [whole[item].expected_reward for item in items_of(scored)]
    )
    share = sum(whole[item].score for item in items_of(scored))
    shares = [whole[item].score / share for item in items_of(scored)]
    assert [entry.score for entry in scored] == pytest.approx(shares, rel=1e-4)
    recent = recommends.score(Request("u3", [had], [5]), [had])
    assert items_of(recent) == [had]
    assert items_of(recommends.score("u3", ["i99"])) == []


def expected_by_hand(recommends: Recommender, user: str, items: list[str], rewards: list[float]) -> np.ndarray:
    """(n_items,) Eqs. 2 to 4 of docs/methods/bayes-adaptive.md with inverted matrices, one noise level after the other."""
    policy = recommends.served.policy
    network = policy.network(np.array([recommends.understanding.users.find(user)]))
    assert isinstance(network, BayesAdaptivePolicy)
    belief = network.belief
    assert isinstance(belief, FactorBelief)
    b, v, w = (getattr(belief, name).double().numpy()[:ITEMS] for name in ("intercepts", "loadings", "noise"))
    mean, covariance = belief.user_means[0].double().numpy(), belief.user_covariances[0].double().numpy()
    order = {item: column for column, item in enumerate(recommends.item_ids.tolist())}
    columns = [order[item] for item in items]
    scale = belief.scale
    y = (np.array(rewards) - scale.centre) / scale.spread
    weights, means = [], []
    for level in range(w.shape[1]):
        noise = w[columns, level]
        precision = np.linalg.inv(covariance) + (v[columns].T / noise) @ v[columns]
        means.append(np.linalg.solve(precision, np.linalg.solve(covariance, mean) + v[columns].T @ ((y - b[columns]) / noise)))
        marginal = v[columns] @ covariance @ v[columns].T + np.diag(noise)
        surprise = y - b[columns] - v[columns] @ mean
        weights.append(-0.5 * (surprise @ np.linalg.solve(marginal, surprise) + np.linalg.slogdet(marginal)[1]))
    likely = np.exp(np.array(weights) - max(weights))
    z = (likely[:, None] * np.array(means)).sum(axis=0) / likely.sum()
    expected: np.ndarray = np.clip((b + v @ z) * scale.spread + scale.centre, 1, 5)
    return expected


def test_rewards_move_the_belief_as_worked_by_hand(recommends: Recommender) -> None:
    expected = expected_by_hand(recommends, "u4", ANSWERED, list(FEEDBACK.rewards))
    before = expected_by_hand(recommends, "u4", [], [])
    answer = ask(recommends, FEEDBACK, explain=True)
    order = {item: column for column, item in enumerate(recommends.item_ids.tolist())}
    columns = [order[entry.item] for entry in answer]
    assert len(columns) == ITEMS - 3
    assert [entry.expected_reward for entry in answer] == pytest.approx(expected[columns], abs=1e-4)
    explained = [entry.explanation for entry in answer]
    assert [why.estimate for why in explained if why] == pytest.approx(before[columns], abs=1e-4)
    assert [why.change for why in explained if why] == pytest.approx((expected - before)[columns], abs=2e-4)
    assert np.abs(expected - before)[columns].max() > 0.1


def test_what_moved_an_item_most_is_the_answer_without_which_it_moves_least(recommends: Recommender) -> None:
    """One of two answers moves everything; the other is as expected and moves nothing."""
    told = {entry.item: entry.expected_reward for entry in ask(recommends, Request("u4", exclude_seen=False))}
    [surprising, plain] = sorted(told, key=lambda item: abs(told[item] - 3.0))[:2]
    request = Request("u4", (plain, surprising), (told[plain], 5.0), exclude_seen=False)
    answer = ask(recommends, request, 5, explain=True)
    for entry in answer:
        assert entry.explanation is not None
        assert entry.explanation.moved_by is not None
        assert (entry.explanation.moved_by.item, entry.explanation.moved_by.reward) == (surprising, 5.0)
    unmoved = ask(recommends, Request("u4"), 3, explain=True)
    assert [entry.explanation.moved_by for entry in unmoved if entry.explanation] == [None] * 3


def test_a_diverse_list_has_no_shared_category_within_the_window(recommends: Recommender) -> None:
    category = {item: int(item[1:]) % 6 for item in EVERYTHING}
    answer = ask(recommends, Request(items=("i0",), rewards=(5,)), 12, diversify=True)
    listed = [0, *(category[item] for item in items_of(answer))]  # i0 is of category 0, and recent
    for place in range(1, len(listed)):
        assert listed[place] not in listed[max(0, place - WINDOW) : place]
    assert len(set(items_of(answer))) == 12
    assert not answer.notes
    alike = ask(recommends, Request(candidates=["i0", "i6", "i12", "i1"]), 4, diversify=True)
    assert sorted(items_of(alike)) == ["i0", "i1", "i12", "i6"]
    assert alike.notes == (f"from place 3 on, what is left shares categories with the {WINDOW} items before it",)
    few = ask(recommends, Request(candidates=["i0", "i1"]), 5, diversify=True)
    assert few.notes == ("5 items are asked for, and 2 are left to recommend",)


def test_new_users_are_served_by_their_features(recommends: Recommender) -> None:
    """In the shop the city tells whether odd or even items are liked."""
    average = ask(recommends, ANYBODY, 12)
    for city, parity in (("east", 0), ("west", 1)):
        answer = ask(recommends, Request(features={"city": city}), 12)
        liked = np.mean([int(item[1:]) % 2 == parity for item in items_of(answer)])
        assert liked >= 0.75
        assert not answer.notes
        assert items_of(answer) != items_of(average)
    told = ask(recommends, Request(features={"city": "north", "height": 2}), 12)
    assert items_of(told) == items_of(average)
    assert told.notes == (
        "unknown feature 'height'; not read (known: city, age)",
        "feature 'city' is 'north', which no user of the log has; taken for average",
    )
    known = ask(recommends, Request("u3", features={"city": "east"}), 2)
    assert known.notes == ("features are given of a user whom the log knows; they are not read",)
    with pytest.raises(InputError, match="feature 'age' is 'old'; expected a finite number"):
        recommends.recommend([Request(features={"age": "old"})])
    requests = [Request("u3"), Request(features={"city": "west"}), ANYBODY, Request(features={"age": 25})]
    together = recommends.recommend(requests, 3)
    alone = [ask(recommends, request, 3) for request in requests]
    assert [items_of(answer) for answer in together] == [items_of(answer) for answer in alone]


def test_all_users_in_one_file_get_what_each_gets_alone(recommends: Recommender, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("darlr.serving.batch.CELLS", 7 * ITEMS)  # several blocks, the last one smaller
    done: list[int] = []
    write_all(recommends, tmp_path / "all.parquet", 5, told=done.append)
    frame = pl.read_parquet(tmp_path / "all.parquet")
    answers = recommends.recommend([Request(user) for user in recommends.user_ids.tolist()], 5)
    rows = [(answer.user, rank, entry.item) for answer in answers for rank, entry in enumerate(answer, start=1)]
    assert list(frame.select("user_id", "rank", "item_id").iter_rows()) == rows
    rewards = [entry.expected_reward for answer in answers for entry in answer]
    assert frame["expected_reward"].to_list() == pytest.approx(rewards, abs=1e-5)
    assert frame["score"].to_list() == pytest.approx([entry.score for answer in answers for entry in answer], abs=1e-5)
    assert done == [7, 7, 7, 7, 2]
    assert [file.name for file in tmp_path.iterdir()] == ["all.parquet"]


def test_the_run_folder_holds_what_every_user_had(recommends: Recommender, shop: Path, shop_run: Path) -> None:
    kept = load_history(RunFolder.open(shop_run), len(recommends.user_ids), ITEMS)
    assert kept is not None
    history, features = kept.history, kept.user_features
    items = np.array(recommends.served.policy.item_ids)
    for place in (0, 17):
        rows = slice(*history.starts[place : place + 2])
        told = list(zip(items[history.items[rows]].tolist(), history.rewards[rows].tolist(), strict=True))
        assert told == logged(shop, recommends.user_ids[place])
    assert (features.code_names, features.code_values) == (("city",), (("east", "west"),))


def test_a_run_without_a_history_takes_it_from_its_data_or_says_so(
    recommends: Recommender, shop: Path, shop_run: Path, tmp_path: Path
) -> None:
    import shutil

    bare = shutil.copytree(shop_run, tmp_path / shop_run.name)
    (bare / f"{HISTORY}.safetensors").unlink()
    found = Recommender.load(bare, data_dir=shop)
    assert (items_of(ask(found, Request("u3"))), found.notices) == (items_of(ask(recommends, Request("u3"))), ())
    lost = Recommender.load(bare, data_dir=tmp_path)
    [notice] = lost.notices
    assert "has no history.safetensors, and its data set is not to be had" in notice
    assert len(ask(lost, Request("u3"))) == ITEMS


def test_a_request_states_where_its_past_comes_from(recommends: Recommender) -> None:
    with pytest.raises(InputError, match="unknown value of history 'logs'; did you mean 'log'"):
        recommends.recommend([replace(ANYBODY, history="logs")])  # type: ignore[arg-type]
