"""Groups of users by a feature: their names, pooled small groups, and errors."""

import numpy as np
import pytest

from darlr.data.catalog import Features
from darlr.errors import InputError
from darlr.evaluation.user_groups import UserGroups, require_feature

CODES = np.repeat([0, 1, 2, 3], [50, 30, 5, 2]).astype(np.int32)
AGES = np.arange(87, dtype=np.float32)
USERS = Features(("job",), CODES[:, None], (5,), ("age",), AGES[:, None], (("", "cook", "nurse", "pilot", "spy"),))


def test_groups_are_called_as_in_the_source_and_small_ones_are_pooled() -> None:
    groups = UserGroups.of(USERS, "job", np.arange(87))
    assert groups.labels == ("(blank)", "cook", "others (2 groups)")  # nobody is a spy
    assert [len(groups.members(group)) for group in range(3)] == [50, 30, 7]
    assert groups.members(2).tolist() == list(range(80, 87))


def test_one_small_group_keeps_its_name() -> None:
    groups = UserGroups.of(USERS, "job", np.arange(85))
    assert groups.labels == ("(blank)", "cook", "nurse")
    assert len(groups.members(2)) == 5


def test_numbers_are_grouped_by_quarters_of_all_users() -> None:
    groups = UserGroups.of(USERS, "age", np.arange(87))
    assert groups.labels == ("lowest quarter", "second quarter", "third quarter", "highest quarter")
    assert [AGES[groups.members(group)].max() for group in range(4)] == [21, 43, 64, 86]
    assert UserGroups.of(USERS, "age", np.arange(40, 87)).labels == ("second quarter", "third quarter", "highest quarter")


def test_codes_without_labels_are_numbered() -> None:
    features = Features(("job",), CODES[:, None], (4,), (), np.zeros((87, 0), np.float32))
    assert UserGroups.of(features, "job", np.arange(80)).labels == ("0", "1")


def test_a_feature_that_users_do_not_have_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"unknown feature of users for config key 'evaluation.by_group' 'jop'; did you mean 'job'"
    ):
        require_feature(USERS, "jop")
    with pytest.raises(InputError, match=r"config key 'evaluation.by_group' is 'job', but the users have no features"):
        require_feature(Features.none(3), "job")
