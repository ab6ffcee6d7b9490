from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import darlr
from darlr.agents.static.lists import popularity
from darlr.agents.static.scorers import TableScorer
from darlr.api.agents import AgentScorer
from darlr.world.window import Window
from tests.api.data import MODEL, SMALL, interactions, planted


def popular_in(dataset: darlr.Dataset) -> darlr.Agent:
    """Scores items by how often the users liked them in the rows that may be learned from."""
    counts = dict(dataset.training_interactions().filter(reward=5)["item_id"].value_counts().iter_rows())

    def popular(turn: darlr.Turn) -> Any:
        return np.array([[counts.get(item, 0) for item in turn.item_ids.tolist()]] * len(turn.users))

    return popular


def popular_by_name(dataset: darlr.Dataset) -> darlr.Agent:
    """The same, naming items."""
    scored = popular_in(dataset)

    def popular(turn: darlr.Turn) -> Any:
        return turn.item_ids[np.where(turn.allowed, scored(turn), -1).argmax(axis=1)]

    return popular


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("with_truth", [True, False])
def test_an_outside_agent_is_judged_as_the_opponents_are(out: Path, with_truth: bool) -> None:
    dataset = planted(with_truth=with_truth)
    for agent in (popular_in, popular_by_name) if with_truth else (popular_in,):  # lists of ten may break ties otherwise
        evaluation = darlr.evaluate(agent(dataset), dataset, out=out, settings=MODEL)
        assert evaluation.policy["greedy"] == evaluation.opponents["popular"]
        assert evaluation.judged_by == ("truth" if with_truth else "held-out rows")
        assert repr(evaluation).startswith(f"Evaluation(popular on planted, judged by {evaluation.judged_by}: ")


def test_naming_items_one_by_one_is_as_good_as_scoring_them(out: Path) -> None:
    def scores(turn: darlr.Turn) -> Any:
        return np.tile(np.arange(40) * 7 % 40, (len(turn.users), 1))  # no two alike

    def names(turn: darlr.Turn) -> Any:
        return turn.item_ids[np.where(turn.allowed, scores(turn), -1).argmax(axis=1)]

    one, other = (darlr.evaluate(agent, planted(with_truth=False), out=out, settings=MODEL) for agent in (scores, names))
    assert one.policy == other.policy


def test_a_scorer_is_judged_as_it_is(out: Path) -> None:
    dataset = planted()
    evaluation = darlr.evaluate(TableScorer(popularity(dataset.loaded.dataset)), dataset, name="mine", out=out, settings=MODEL)
    assert evaluation.policy["greedy"] == evaluation.opponents["popular"]
    assert evaluation.value("length", "nx_0", "sampled") == 10
    assert "| mine, sampled |" in str(evaluation)
    frame = evaluation.to_frame()
    assert frame.columns == ["policy", "acting", "mode", "metric", "value"]
    assert evaluation.to_dict()["opponents"]["popular"] == evaluation.opponents["popular"]


def test_an_agent_sees_the_whole_episode(out: Path) -> None:
    turns: list[darlr.Turn] = []

    def first(turn: darlr.Turn) -> Any:
        turns.append(turn)
        return turn.item_ids[turn.allowed.argmax(axis=1)]

    darlr.evaluate(first, planted(), out=out, settings=MODEL)
    episode = turns[:10]  # mode NX_0: no repeats, ten steps, all 20 users at once
    ids = planted().test_item_ids
    assert [turn.items.shape for turn in episode] == [(20, step) for step in range(10)]
    last = episode[-1]
    assert last.users.tolist() == planted().test_user_ids.tolist()
    assert (last.items == ids[:9]).all()
    expected = [5.0 if int(item[1:]) % 2 else 1.0 for item in ids[:9].tolist()]
    np.testing.assert_allclose(last.rewards, [expected] * 20, rtol=1e-6)
    assert (last.allowed == (np.arange(40) >= 9)).all()


def test_a_run_is_judged_with_its_own_opponents(out: Path) -> None:
    run = darlr.train(planted(), "mbpo", out=out, settings=SMALL)
    evaluation = darlr.evaluate(run)
    assert set(evaluation.policy) == {"greedy", "sampled"}
    assert evaluation.opponents == run.opponents
    assert darlr.evaluate(str(run.path), planted(), name="again").to_dict() == {**evaluation.to_dict(), "name": "again"}


def test_a_run_without_a_truth_is_judged_by_the_rows_that_it_was_kept_from(out: Path) -> None:
    run = darlr.train(planted(with_truth=False), "mbpo", out=out, settings=SMALL)
    evaluation = run.evaluate()
    assert evaluation.judged_by == "held-out rows"
    chosen = run.metrics[run.summary["chosen_epoch"] - 1]
    assert evaluation.value("ndcg_10") == pytest.approx(chosen["held_out/greedy/ndcg_10"])


def test_a_run_of_frames_needs_the_same_frames_again(out: Path) -> None:
    run = darlr.train(planted(), "mbpo", out=out, settings=SMALL)
    with pytest.raises(darlr.InputError, match=r"was handed over in Python \(Dataset.from_frames\) and is not stored"):
        darlr.evaluate(run.path)
    with pytest.raises(darlr.InputError, match="'interactions' has changed since this run"):
        darlr.evaluate(run.path, planted(interactions().head(700)))


def answers(answer: Any) -> darlr.Agent:
    return lambda turn: answer


BAD_ANSWERS = [
    (["i0"], r"the agent gave an array of shape (1,); expected (2,) item ids or (2, 40) scores"),
    (
        ["i0", "i99"],
        "the agent recommended item i99 to user u1; expected one of turn.item_ids",
    ),
    (
        ["i1", "i0"],
        "the agent recommended item i1 to user u0; expected one of turn.item_ids",
    ),
    ([0, 1], "the agent gave an array of int64 and shape (2,); expected ids like i0"),
    (
        np.full((2, 40), np.nan),
        "the agent gave item i0 the score nan for user u0; expected a finite number",
    ),
    (np.full((2, 40), "a"), "the agent gave scores of type <U1; expected numbers"),
]


@pytest.mark.parametrize(("answer", "message"), BAD_ANSWERS, ids=[message for _, message in BAD_ANSWERS])
def test_bad_answers_are_refused(answer: Any, message: str) -> None:
    scorer = AgentScorer(answers(answer), planted().loaded.dataset, depth=1)
    blocked = torch.zeros(2, 40, dtype=torch.bool)
    blocked[:, planted().test_item_ids.tolist().index("i1")] = True
    with pytest.raises(darlr.InputError) as refused:
        scorer(torch.arange(2), Window.at_start(40, 3, torch.device("cpu")), blocked)
    assert str(refused.value).startswith(message)


def test_an_agent_that_names_items_is_asked_for_a_list_one_by_one() -> None:
    scorer = AgentScorer(popular_by_name(planted()), planted().loaded.dataset, depth=3)
    blocked = torch.ones(2, 40, dtype=torch.bool)
    blocked[0, :2] = False  # fewer than asked for
    blocked[1, 5:9] = False
    start = Window.at_start(40, 3, torch.device("cpu")).rows(torch.zeros(2, dtype=torch.int64))
    scores = scorer(torch.arange(2), start, blocked)
    assert scores.isfinite().sum(dim=1).tolist() == [2, 3]
    assert (scores[blocked] == -torch.inf).all()
    assert scores[1].max() == 3


def test_what_cannot_be_judged_is_refused(out: Path) -> None:
    for arguments, message in (
        ((3, planted()), "the policy is a int; expected a run, its folder, a Scorer or an agent to call"),
        ((popular_in(planted()),), "no data set is given to judge the policy on; expected a darlr.Dataset, a name or a folder"),
        ((out / "absent",), f"{out / 'absent'}: no such run folder"),
    ):
        with pytest.raises(darlr.InputError) as refused:
            darlr.evaluate(*arguments)
        assert str(refused.value) == message
