"""Items that the log lacks: the effects of their categories and features, the methods that can rank them, and the notes.

In the shop, users like the items of their own parity, and items of category c0, c2 and c4 are the even ones.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr import Answer, InputError, NewItem, Recommender, Request
from darlr.artifacts import RunFolder
from darlr.data.readers.folder import read_folder
from darlr.run.history import HISTORY
from darlr.serving.catalogue import with_catalogue
from darlr.world_model.factors.model import FactorModel
from tests.runs import train_small
from tests.serving.shop import ITEMS, LOGGED

EVEN, ODD = NewItem("n0", ["c0"], {"colour": "red"}), NewItem("n1", ["c1"], {"colour": "red"})


def ask(recommends: Recommender, request: Request, count: int = 2, **options: Any) -> Answer:
    [answer] = recommends.recommend([request], count, **options)
    return answer


def rewards(answer: Answer) -> dict[Any, float]:
    return {entry.item: entry.expected_reward for entry in answer}


def test_a_new_item_is_ranked_by_what_its_categories_say(recommends: Recommender) -> None:
    for user, liked, other in (("u4", "n0", "n1"), ("u5", "n1", "n0")):
        answer = ask(recommends, Request(user, new_items=[EVEN, ODD], candidates=["n0", "n1"]))
        assert [entry.item for entry in answer] == [liked, other]
        assert not answer.notes
        assert rewards(answer)[liked] > rewards(answer)[other] + 0.3
        assert sum(entry.score for entry in answer) == pytest.approx(1, abs=1e-5)
    among_all = ask(recommends, Request("u4", new_items=[EVEN, ODD]), ITEMS + 2)
    assert len(among_all) == ITEMS - LOGGED + 2
    left_out = ask(recommends, Request("u4", new_items=[EVEN, ODD], exclude=["n1"]), ITEMS + 2)
    assert {entry.item for entry in among_all} - {entry.item for entry in left_out} == {"n1"}


def test_what_is_expected_of_a_new_item_is_the_prior_of_an_item_like_it(recommends: Recommender, shop: Path) -> None:
    """The twin of a log's item gets what the regression says of that item's own row of the catalogue."""
    catalogue = read_folder(shop / "shop").dataset.items
    model, order = recommends.served.policy.model, recommends.item_ids.tolist()
    assert isinstance(model, FactorModel)
    whole = model.items.prior_of(catalogue)
    wider = model.with_items(*whole)
    twins = [
        NewItem(f"n{item}", [f"c{item % 6}"], {"colour": ("red", "blue", "green")[item // 8], "weight": item // 2})
        for item in (3, 12)
    ]
    answer = ask(recommends, Request("u7", new_items=twins, candidates=["n3", "n12"]))
    user = torch.tensor([recommends.understanding.users.find("u7")])
    expected = wider.predict(user, torch.tensor([ITEMS + order.index("i3"), ITEMS + order.index("i12")]))[0][0]
    assert rewards(answer) == pytest.approx({"n3": float(expected[0]), "n12": float(expected[1])}, abs=1e-4)


def test_answers_of_a_user_move_what_is_expected_of_a_new_item_and_its_own_moves_others(recommends: Recommender) -> None:
    new = Request("u4", new_items=[EVEN, ODD], candidates=["n0", "n1"])
    before = rewards(ask(recommends, new))
    answered = Request("u4", ("i0", "i6"), (1, 1), new_items=[EVEN, ODD], candidates=["n0", "n1"])
    after = ask(recommends, answered, explain=True)
    assert rewards(after)["n0"] < before["n0"]
    why = {entry.item: entry.explanation for entry in after}["n0"]
    assert why is not None
    assert (why.estimate, why.estimate + why.change) == pytest.approx((before["n0"], rewards(after)["n0"]), abs=1e-4)
    told = rewards(ask(recommends, Request("u4", ("n0",), (1,), new_items=[EVEN]), ITEMS))
    assert "n0" not in told
    untold = rewards(ask(recommends, Request("u4"), ITEMS))
    assert all(told[item] < untold[item] for item in told if int(item[1:]) % 6 == 0)


def test_the_items_of_the_log_are_expected_to_give_what_they_were(recommends: Recommender) -> None:
    request = Request("u4", ("i1",), (5,))
    plain = rewards(ask(recommends, request, ITEMS))
    beside = rewards(ask(recommends, Request("u4", ("i1",), (5,), new_items=[EVEN]), ITEMS + 1))
    assert {item: beside[item] for item in plain} == pytest.approx(plain, abs=1e-5)


def test_requests_with_and_without_new_items_are_answered_in_their_order(recommends: Recommender) -> None:
    requests = [Request("u4", new_items=[EVEN]), Request("u5"), Request("u6", new_items=[ODD]), Request("u7", new_items=[EVEN])]
    together = recommends.recommend(requests, ITEMS)
    assert [answer.user for answer in together] == ["u4", "u5", "u6", "u7"]
    for answer, request in zip(together, requests, strict=True):
        assert rewards(answer) == pytest.approx(rewards(ask(recommends, request, ITEMS)), abs=1e-5)
    scored = recommends.score(Request("u4", new_items=[EVEN]), ["n0", "i1"])
    assert [entry.item for entry in scored] == ["n0", "i1"]


def test_what_cannot_be_read_of_a_new_item_is_told(recommends: Recommender) -> None:
    odd = [
        NewItem("i3", ["c1"]),
        NewItem("n0", ["c0", "c99"], {"colour": "pink", "size": 3}),
        NewItem("n0", ["c1"]),
        NewItem("", ["c1"]),
    ]
    answer = ask(recommends, Request("u4", new_items=odd, candidates=["i3", "n0", ""]))
    assert {entry.item for entry in answer} <= {"i3", "n0"}
    assert answer.notes[:6] == (
        "new item 'i3' is one of the log's; taken as the log knows it",
        "new item 'n0': unknown feature 'size'; not read (known: colour, weight)",
        "new item 'n0': feature 'colour' is 'pink', which no item of the log has; taken for average",
        "new item 'n0': category 'c99', which no item of the log has; not read",
        "new item 'n0' is described twice; the first counts",
        "new item '' cannot be recommended: expected an id that is text that is not empty; left out",
    )
    with pytest.raises(InputError, match="request 1, user 'u4': new item 'n0': unknown feature 'size'"):
        recommends.recommend([Request("u4", new_items=odd)], on_unknown="error")
    with pytest.raises(InputError, match="request 1, user None: new item 'n5': feature 'weight' is 'light'; expected a finite"):
        recommends.recommend([Request(new_items=[NewItem("n5", features={"weight": "light"})])])


def test_without_a_word_about_it_a_new_item_is_the_average_one(recommends: Recommender) -> None:
    model = recommends.served.policy.model
    assert isinstance(model, FactorModel)
    wider = model.with_items(model.items.centre.float()[None], model.items.prior.float()[None])
    user = recommends.understanding.users.find("u8")
    assert user is not None
    expected = wider.predict(torch.tensor([user]), torch.tensor([ITEMS]))[0].item()
    answer = ask(recommends, Request("u8", new_items=[NewItem("n")], candidates=["n"]), 1)
    assert rewards(answer) == pytest.approx({"n": expected}, abs=1e-4)


@pytest.fixture(scope="module")
def of_method(shop: Path) -> Callable[[str], Recommender]:
    """The recommender of a run of another method on the shop."""

    def load(method: str) -> Recommender:
        settings = {
            "dataset": "shop",
            "method": method,
            "training": {"epochs": 1},
            "world_model": {"kind": "deepfm" if method == "mbpo" else "factors"},
        }
        return Recommender.load(train_small(shop / "runs", settings, shop).path)

    return load


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("dorl", r"dorl has learned something of each item \('.*'\)"),
        ("mbpo", "the world model is of the kind 'deepfm', which has no prior for items"),
    ],
)
def test_a_method_that_cannot_rank_new_items_says_so_in_one_line(
    of_method: Callable[[str], Recommender], method: str, why: str
) -> None:
    recommends = of_method(method)
    request = Request("u4", new_items=[EVEN, ODD], candidates=["n0", "i1", "n1"])
    answer = ask(recommends, request, 1)
    assert [entry.item for entry in answer] == ["i1"]
    [note] = answer.notes
    assert re.fullmatch(f"2 new items cannot be recommended: {why}; left out", note)
    with pytest.raises(InputError, match=f"2 new items cannot be recommended: {why}"):
        recommends.recommend([request], on_unknown="error")
    with pytest.raises(InputError, match=f"new items cannot be recommended: {why}"):
        recommends.with_items([EVEN])


def test_a_table_of_items_adds_those_that_the_log_lacks(recommends: Recommender, shop: Path, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text((shop / "shop" / "items.csv").read_text() + "n0,c0,red,\nn1,c1|c77,,NA\nn2,,blue,7.5\n")
    wider = with_catalogue(recommends, table)
    assert wider.notices == ("new item 'n1': category 'c77', which no item of the log has; not read",)
    assert sorted(set(wider.item_ids.tolist()) - set(recommends.item_ids.tolist())) == ["n0", "n1", "n2"]
    same = Request("u4", new_items=[EVEN], candidates=["n0"])
    assert rewards(ask(wider, Request("u4", candidates=["n0"]))) == pytest.approx(rewards(ask(recommends, same)), abs=1e-5)
    more = ask(wider, Request("u4", new_items=[NewItem("n9", ["c3"])], candidates=["n9", "n0"]))
    assert {entry.item for entry in more} == {"n0", "n9"}
    table.write_text("item_id,weight\nn0,heavy\n")
    with pytest.raises(InputError, match=r"items\.csv: line 2, column 'weight' holds 'heavy'; expected a finite number"):
        with_catalogue(recommends, table)
    table.write_text("item_id\ni3\n")
    assert with_catalogue(recommends, table) is recommends


def test_a_run_that_does_not_say_how_items_are_read_refuses_new_ones(
    shop_run: Path, tmp_path: Path, recommends: Recommender
) -> None:
    bare = shutil.copytree(shop_run, tmp_path / shop_run.name)
    folder = RunFolder.open(bare)
    tensors, state = folder.load_tensors(HISTORY)
    del state["item_scales"]
    folder.save_tensors(HISTORY, tensors, state)
    answer = ask(Recommender.load(bare), Request("u3", new_items=[EVEN]))
    told = "the run does not say how features of items are read; train it once more"
    assert answer.notes == (f"new item 'n0' cannot be recommended: {told}; left out",)
