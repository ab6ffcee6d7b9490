"""From yesterday's run to tomorrow's: warm starts, and the pointer to the run that serves."""

import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import darlr
from darlr.artifacts import RunFolder
from darlr.artifacts.locks import sole_writer
from darlr.artifacts.pointer import Pointer, pointed
from darlr.errors import InputError
from darlr.run.promoting import Pairs, promote_run, unseen_rows
from darlr.run.saved import SavedPolicy, fingerprint
from darlr.run.specification import SpecifiedRun, held_out_alike
from darlr.run.warm_start import WarmStart
from darlr.serving.recommender import Recommender
from tests.runs import SMALL, results
from tests.worlds import CPU, log_of

SETTINGS: Mapping[str, Any] = {key: value for key, value in SMALL.items() if key != "method"} | {
    "training": {"epochs": 2, "steps_per_epoch": 60, "environments": 10},
    "evaluation": {"episodes": 10, "split": "pair", "held_out": 0.2},
}


def write_shop(folder: Path, users: range, items: range, maximum: int = 5, feedback: str = "ratings") -> Path:
    """Write a log in which every user has rated two thirds of the items, the odd ones well; categories `a`, `b`, and `c`
    from 30 on.

    Whether a pair is rated depends on its ids, so a log with more users and items has all rows of a smaller one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"u{user},i{item},{(maximum if item % 2 else 1) if feedback == 'ratings' else 1}"
        for user in users
        for item in items
        if (7 * user + 5 * item) % 3
    ]
    (folder / "log.csv").write_text("user_id,item_id,reward\n" + "\n".join(rows) + "\n")
    named = [f"i{item},{'c' if item >= 30 else 'ab'[item % 2]}" for item in items]
    (folder / "items.csv").write_text("item_id,categories\n" + "\n".join(named) + "\n")
    (folder / "dataset.yaml").write_text(
        "files: {interactions: log.csv, items: items.csv}\n"
        f"reward: {{feedback: {feedback}, minimum: {1 if feedback == 'ratings' else 0}, maximum: {maximum}}}\n"
        "leave: {by: never, max_steps: 10}\n"
    )
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def yesterday(place: Path) -> darlr.Run:
    """Train on 30 users and 30 items; then the log in the same folder grows, and loses a user and an item."""
    run = darlr.train(write_shop(place / "log", range(30), range(30)), "mbpo", out=place / "runs", settings=SETTINGS)
    write_shop(place / "log", range(1, 36), range(1, 36))
    return run


@pytest.fixture(scope="module")
def today(place: Path, yesterday: darlr.Run) -> darlr.Run:
    return darlr.train(place / "log", out=place / "runs", warm_start=yesterday)


def test_the_new_run_says_where_it_came_from_and_has_the_settings_of_the_former(yesterday: darlr.Run, today: darlr.Run) -> None:
    assert today.config == yesterday.config
    assert today.path.parent == yesterday.path.parent
    assert today.path.name.startswith(f"{yesterday.path.name}-w")
    folder = RunFolder.open(today.path)
    assert folder.environment()["warm_start"] == {
        "run": f"log/mbpo/{yesterday.path.name}",
        "fingerprint": fingerprint(RunFolder.open(yesterday.path)),
    }
    assert SavedPolicy(folder, CPU).item_ids.tolist() == sorted(f"i{item}" for item in range(1, 36))


def test_the_same_command_gives_the_same_run(place: Path, yesterday: darlr.Run, today: darlr.Run) -> None:
    before = results(today.path)
    again = darlr.train(place / "log", out=place / "runs", warm_start=yesterday.path)
    assert again.path == today.path
    assert results(again.path) == before


def test_a_killed_run_ends_as_one_that_was_never_disturbed(place: Path, yesterday: darlr.Run, today: darlr.Run) -> None:
    class StoppedError(Exception):
        pass

    class Stopping(darlr.Monitor):
        def trained(self, record: Mapping[str, Any], epochs: int) -> None:
            raise StoppedError

    shutil.copytree(place / "runs" / "log" / "world-models", place / "stopped" / "log" / "world-models")  # one fit is enough
    with pytest.raises(StoppedError):
        darlr.train(place / "log", out=place / "stopped", warm_start=yesterday, monitor=Stopping())
    run = darlr.train(place / "log", out=place / "stopped", warm_start=yesterday)
    assert results(run.path) == results(today.path)
    for name in ("policy", "world_model"):
        tensors = [RunFolder.open(each).load_tensors(name)[0] for each in (run.path, today.path)]
        assert all(torch.equal(tensors[0][key], tensors[1][key]) for key in tensors[1])


def test_learning_begins_with_what_the_former_run_knew_of_each_item(
    place: Path, yesterday: darlr.Run, today: darlr.Run
) -> None:
    """Rows of items move to the places that the grown log has for them, and those of new ones stay as they are."""
    dataset = darlr.Dataset.load(place / "log").loaded.dataset
    start = WarmStart.of(yesterday.path, CPU)
    places = start.former(dataset).places
    # Items 30 to 35 are new, and so are these users; the category 'c' is, too.
    assert [np.count_nonzero(of == -1) for of in (places.items, places.users)] == [6, 6]
    assert places.categories.tolist() == [0, 1, -1]
    policy = SavedPolicy(RunFolder.open(today.path), CPU).network(np.arange(3))
    fresh, former = {name: tensor.clone() for name, tensor in policy.named_parameters()}, start.saved.learned
    start.continue_policy(policy, dataset, places)
    names, names_before = dataset.log.item_ids.tolist(), start.saved.item_ids.tolist()
    for name in ("tracker.item_vectors", "actor.weight", "actor.bias"):
        now = policy.state_dict()[name]
        assert torch.equal(now[names.index("i17")], former[name][names_before.index("i17")])
        assert torch.equal(now[names.index("i31")], fresh[name][names.index("i31")])
    assert torch.equal(policy.state_dict()["tracker.item_vectors"][-2:], former["tracker.item_vectors"][-2:])
    assert torch.equal(policy.state_dict()["trunk.0.weight"], former["trunk.0.weight"])


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        ({}, {"method": "dorl"}, "has 'method' 'mbpo', and 'dorl' is asked for; expected the same"),
        (
            {},
            {"world_model": {"embedding_size": 4}},
            "has 'world_model.embedding_size' 16, and 4 is asked for; expected the same",
        ),
        ({}, {"tracker": {"window": 7}}, "has 'tracker.window' 3, and 7 is asked for; expected the same"),
        ({}, {"world_model": {"kind": "factors"}}, "has 'world_model.kind' 'deepfm', and 'factors' is asked for"),
        ({"maximum": 7}, {}, "its rewards are 1..5, those of 'other' 1..7; expected the same"),
        ({"users": range(50, 80)}, {}, "cannot be started from: the log shares no user with the run"),
        ({"items": range(50, 80)}, {}, "cannot be started from: the log shares no item with the run"),
        ({"feedback": "positive-only"}, {}, "its rewards are 1..5, those of 'other' 0..5; expected the same"),
    ],
)
def test_refuses_what_cannot_go_on_from_the_run(
    yesterday: darlr.Run, tmp_path: Path, options: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    folder = write_shop(tmp_path / "other", **{"users": range(1, 36), "items": range(1, 36), **options})
    with pytest.raises(InputError) as refused:
        darlr.train(folder, out=tmp_path / "runs", warm_start=yesterday, settings=settings)
    assert message in str(refused.value)
    assert not (tmp_path / "runs").exists()


def test_refuses_to_start_from_what_is_not_finished(yesterday: darlr.Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(yesterday.path, tmp_path / "copy"))
    (copy / "summary.json").unlink()
    with pytest.raises(InputError, match="this run is not finished"):
        darlr.train(tmp_path, out=tmp_path / "runs", warm_start=copy)


def test_the_first_run_serves_without_a_rival_and_a_worse_one_never(
    place: Path, yesterday: darlr.Run, today: darlr.Run
) -> None:
    pointer = place / "runs" / "serving"
    assert darlr.promote(yesterday, pointer).why == "the first run"
    assert darlr.promote(yesterday, pointer).outcome == "kept"
    # The held-out pairs are the same in both logs, so both are judged though yesterday's data are gone.
    answer = darlr.promote(today, pointer, margin=1.0)
    assert answer.moved
    assert answer.difference is not None
    assert answer.why == answer.difference.line(1.0)
    assert Recommender.load(pointer).item_ids.tolist() == Recommender.load(today.path).item_ids.tolist()
    assert [move.forced for move in Pointer.read(pointer).history] == [False, False]


def test_a_run_that_learned_the_contrary_is_refused(
    place: Path, yesterday: darlr.Run, today: darlr.Run, tmp_path: Path
) -> None:
    """A copy of today's run whose policy likes what nobody does: its logits are turned around."""
    worse = Path(shutil.copytree(today.path, tmp_path / "log" / "mbpo" / today.path.name))
    folder = RunFolder.open(worse)
    tensors, state = folder.load_tensors("policy")
    for name in ("policy.actor.weight", "policy.actor.bias"):
        tensors[name] = torch.zeros_like(tensors[name])
    liked = torch.tensor([int(name[1:]) % 2 for name in state["item_ids"]])
    tensors["policy.actor.bias"] = 20.0 * (1 - liked[tensors["items"]])
    folder.save_tensors("policy", tensors, state)
    pointer = tmp_path / "serving"
    darlr.promote(yesterday, pointer)
    refused = darlr.promote(worse, pointer)
    assert refused.outcome == "refused"
    assert refused.why.startswith("worse by ")
    assert pointed(pointer).resolve() == yesterday.path.resolve()
    assert len(Pointer.read(pointer).history) == 1
    assert darlr.promote(worse, pointer, force="the old one was withdrawn").moved
    assert Pointer.read(pointer).history[-1].why == "the old one was withdrawn"


def test_a_newer_log_judges_where_it_is_given(place: Path, yesterday: darlr.Run, today: darlr.Run, tmp_path: Path) -> None:
    newer = write_shop(tmp_path / "newer", range(1, 60), range(1, 60))
    pointer = tmp_path / "serving"
    darlr.promote(yesterday, pointer)
    answer = darlr.promote(today, pointer, log=newer, margin=1.0)
    # All rows about users and items of the run were held out or learned from: what it learned from does not judge.
    assert answer.difference is not None


def contrary(folder: Path, users: range, items: range) -> Path:
    """Return the same log with every rating reversed."""
    log = write_shop(folder, users, items) / "log.csv"
    header, *rows = log.read_text().splitlines()
    parts = (row.split(",") for row in rows)
    log.write_text("\n".join([header, *(f"{user},{item},{6 - int(reward)}" for user, item, reward in parts)]) + "\n")
    return folder


@pytest.mark.slow  # a run and a fit of factors
def test_a_log_that_contradicts_the_served_one_does_not_judge_and_its_model_does_not_speak_for_its_policy(
    place: Path, yesterday: darlr.Run, today: darlr.Run, tmp_path: Path
) -> None:
    """The wrong run's held-out rows are as wrong as its policy, and so is what its world model says of the right rows."""
    settings = {**SETTINGS, "world_model": {"kind": "factors"}}
    wrong = darlr.train(
        contrary(tmp_path / "log", range(1, 36), range(1, 36)), "bayes-adaptive", out=tmp_path, settings=settings
    )
    right = darlr.train(place / "log", "bayes-adaptive", out=tmp_path / "right", settings=settings)
    pointer = tmp_path / "serving"
    darlr.promote(right, pointer)
    refused = darlr.promote(wrong, pointer)
    assert refused.outcome == "refused"
    assert "the pairs that both runs' logs have are rated otherwise" in refused.why
    assert "(correlation -1.00)" in refused.why
    judged = darlr.promote(wrong, pointer, log=place / "log")
    assert judged.outcome == "refused"
    assert judged.why.startswith("worse by ")
    assert pointed(pointer).resolve() == right.path.resolve()


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("unfinished", "this run is not finished"),
        ("broken policy", "policy.safetensors"),
        ("no run", "no such run folder"),
        ("gone", "which is no run folder; expected it to be put back"),
        ("a folder", "is a folder; expected a pointer"),
        ("margin", "the margin"),
        ("no note", "forced without a note"),
    ],
)
def test_refuses_what_cannot_be_judged(yesterday: darlr.Run, tmp_path: Path, case: str, message: str) -> None:
    run = Path(shutil.copytree(yesterday.path, tmp_path / "run"))
    pointer, margin = tmp_path / "serving", 0.05
    note: str | None = None
    if case == "unfinished":
        (run / "summary.json").unlink()
    elif case == "broken policy":
        (run / "policy.safetensors").write_bytes((run / "policy.safetensors").read_bytes()[:-1])
    elif case == "no run":
        run = tmp_path / "none"
    elif case == "gone":
        Pointer.read(pointer).moved(tmp_path / "gone", "", "", "", False)
    elif case == "a folder":
        pointer.mkdir()
    elif case == "margin":
        margin = 1.5
    else:
        note = " "
    with pytest.raises(InputError, match=message):
        promote_run(run, pointer, None, margin, note, 0, None, CPU, print)
    assert case in ("gone", "a folder") or not pointer.exists()


def test_of_two_promotions_at_once_one_waits_for_the_other(yesterday: darlr.Run, tmp_path: Path) -> None:
    pointer, told, done = tmp_path / "serving", threading.Event(), []

    def promote() -> None:
        waiting = promote_run(yesterday.path, pointer, None, 0.05, None, 0, None, CPU, lambda text: told.set())
        done.append(waiting)

    with sole_writer(pointer, told.set):
        second = threading.Thread(target=promote)
        second.start()
        assert told.wait(timeout=120)
        Pointer.read(pointer).moved(yesterday.path, "first", "", "the one that was quicker", False)
        assert done == []
    second.join(timeout=120)
    assert [promotion.outcome for promotion in done] == ["kept"]
    assert len(Pointer.read(pointer).history) == 1


def test_a_pointer_whose_run_is_gone_can_be_moved_by_force(yesterday: darlr.Run, tmp_path: Path) -> None:
    pointer = tmp_path / "serving"
    Pointer.read(pointer).moved(tmp_path / "gone", "", "", "", False)
    assert darlr.promote(yesterday, pointer, force="the old one was deleted").moved
    assert pointed(pointer).resolve() == yesterday.path.resolve()


def test_what_the_served_run_knows_nothing_of_is_not_compared(yesterday: darlr.Run, today: darlr.Run, tmp_path: Path) -> None:
    """The served run's items have got other names, and then other rewards."""
    other = Path(shutil.copytree(yesterday.path, tmp_path / "other"))
    folder = RunFolder.open(other)
    tensors, state = folder.load_tensors("policy")
    pointer = tmp_path / "serving"
    darlr.promote(other, pointer)
    folder.save_tensors("policy", tensors, {**state, "item_ids": [f"book {name}" for name in state["item_ids"]]})
    assert "knows none of the items of" in darlr.promote(today, pointer).why
    folder.save_tensors("policy", tensors, {**state, "reward_range": [0.0, 1.0]})
    assert "has rewards of 0..1 and" in darlr.promote(today, pointer).why
    assert len(Pointer.read(pointer).history) == 1


def test_rows_that_the_served_run_may_have_learned_from_do_not_judge(yesterday: darlr.Run, today: darlr.Run) -> None:
    """With another seed, or a smaller share, the served run has learned from pairs that the new one holds out."""
    now, before = (SavedPolicy(RunFolder.open(run.path), CPU).config for run in (today, yesterday))
    assert held_out_alike(now, before)
    assert not held_out_alike(now, replace(before, seed=1))
    fewer = replace(before, evaluation=replace(before.evaluation, held_out=0.1))
    assert not held_out_alike(now, fewer)
    assert held_out_alike(fewer, now)
    assert not held_out_alike(*(replace(each, evaluation=replace(each.evaluation, split="random")) for each in (now, before)))


def test_a_pair_that_either_learned_from_does_not_judge_whatever_its_numbers() -> None:
    log = replace(log_of([(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0)], 2, 3), item_ids=np.array([7, 8, 9]))
    # The other log has the users the other way round, no item 8, and one that is unknown here.
    other = replace(
        log_of([(1, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0)], 2, 3), user_ids=np.array([1, 0]), item_ids=np.array([7, 9, 5])
    )
    pairs = Pairs.of(other)
    assert unseen_rows(log, log, [pairs]).tolist() == [False, True, True, False]
    assert unseen_rows(log, log, []).all()
    assert not unseen_rows(log, log, [pairs, Pairs.of(log)]).any()


def test_says_that_rows_which_the_former_run_learned_from_flatter(place: Path, yesterday: darlr.Run) -> None:
    loaded, start = darlr.Dataset.load(place / "log").loaded, WarmStart.of(yesterday.path, CPU)
    config = start.saved.config
    assert start.notices(SpecifiedRun.with_config(config, loaded)) == []
    [line] = start.notices(SpecifiedRun.with_config(replace(config, seed=1), loaded))
    assert "may be rows that" in line
