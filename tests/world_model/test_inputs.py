from dataclasses import replace

import numpy as np

from darlr.data.catalog import Features
from darlr.data.names import FeatureNames, Names, Places
from darlr.world_model.inputs import Inputs, former_rows
from tests.worlds import catalog_of, dataset_of, log_of


def test_fields_are_numbered_one_after_the_other() -> None:
    user_features = Features(("age",), np.array([[2], [0]], np.int32), (3,), ("income",), np.array([[0.5], [1.5]], np.float32))
    items = catalog_of(
        [[1, 0], [], [0]],
        Features((), np.zeros((3, 0), np.int32), (), ("length",), np.array([[7], [8], [9]], np.float32)),
    )
    inputs = Inputs.of(dataset_of(log_of([(0, 0, 1.0)], 2, 3), items, user_features))
    # Row 0 is the padding, 1-2 the users, 3-5 the ages, 6-8 the items, 9-10 the categories, whose two slots share rows.
    assert inputs.user_codes.tolist() == [[1, 5], [2, 3]]
    assert inputs.item_codes.tolist() == [[6, 10, 9], [7, 0, 0], [8, 9, 0]]
    assert (inputs.rows, inputs.fields, inputs.numbers) == (11, 5, 2)
    assert inputs.user_numeric.tolist() == [[0.5], [1.5]]
    assert inputs.item_numeric.tolist() == [[7], [8], [9]]


def test_rows_of_the_table_are_found_in_that_of_a_former_log() -> None:
    none = FeatureNames((), ())
    colours = FeatureNames((("colour", ("blue", "red")),), ())
    before = Names(np.array([1, 2]), np.array([7, 8, 9]), ("a", "b"), none, colours, positive_only=False)
    now = Names(
        np.array([2, 3]), np.array([9, 7]), ("b", "c", "a"), none, replace(colours, coded=(("colour", ("red", "tan")),)), False
    )
    # Before: padding 0, users 1 and 2, items 3 to 5, colours 6 and 7, categories 8 and 9.
    assert former_rows(Places.of(now, before)).tolist() == [0, 2, -1, 5, 3, 7, -1, 9, -1, 8]
