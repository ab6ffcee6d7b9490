from dataclasses import replace

import numpy as np
import pytest

from darlr.artifacts.schema import require
from darlr.data.catalog import Features
from darlr.data.log import text_ids
from darlr.data.names import NAMES, FeatureNames, Names, Places
from darlr.errors import InputError

NONE = FeatureNames((), ())
BRANDS = FeatureNames((("brand", ("acme", "zoom")), ("size", ("L", "S"))), ("price",))
YESTERDAY = Names(np.array([3, 7, 9]), np.array([10, 20, 30]), ("drama", "comedy"), NONE, BRANDS, positive_only=False)
TODAY = Names(
    users=text_ids(["7", "new", "3"]),  # ids that were numbers are text beside one that is none
    items=np.array([40, 30, 10]),
    categories=("comedy", "western", "drama"),
    user_features=NONE,
    item_features=FeatureNames((("brand", ("acme", "bolt", "zoom")), ("size", ("S",))), ("price",)),
    positive_only=False,
)


def test_everything_is_found_by_its_name() -> None:
    places = Places.of(TODAY, YESTERDAY)
    assert places.users.tolist() == [1, -1, 0]
    assert places.items.tolist() == [-1, 2, 0]
    assert places.categories.tolist() == [1, -1, 0]
    assert places.item_codes.tolist() == [0, -1, 1, 3]  # acme, bolt, zoom, S
    assert places.user_codes.tolist() == []


def test_codes_without_labels_stand_for_themselves() -> None:
    features = Features(("genre",), np.array([[0], [2]], np.int32), (3,), (), np.zeros((2, 0), np.float32))
    assert FeatureNames.of(features).coded == (("genre", ("0", "1", "2")),)


def test_names_come_back_as_they_were() -> None:
    values = TODAY.to_dict()
    require(values, NAMES, "state")
    assert Names.restore(TODAY.users, TODAY.items, values) == TODAY


@pytest.mark.parametrize(
    ("today", "message"),
    [
        (replace(TODAY, users=text_ids(["8", "10"])), "the log shares no user with the run"),
        (replace(TODAY, items=np.array([11, 12])), "the log shares no item with the run"),
        (
            replace(TODAY, positive_only=True),
            "the log's feedback is 'positive-only' and the run's 'ratings'; expected the same",
        ),
        (
            replace(TODAY, item_features=NONE),
            "the log's items have the features none and the run's 'brand', 'size', 'price'; expected the same",
        ),
        (
            replace(TODAY, user_features=FeatureNames((), ("age",))),
            "the log's users have the features 'age' and the run's none; expected the same",
        ),
    ],
)
def test_refuses_a_log_that_is_no_later_state_of_the_former(today: Names, message: str) -> None:
    with pytest.raises(InputError) as refused:
        Places.of(today, YESTERDAY)
    assert str(refused.value).startswith(message)
