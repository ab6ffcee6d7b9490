import numpy as np
import torch

from darlr.data.catalog import Features, ItemCatalog
from darlr.world_model.factors.design import Columns, Description, Tags

CPU = torch.device("cpu")
CODES = np.array([[0, 1], [1, 1], [1, 2], [1, 0]], np.int32)
NUMBERS = np.array([[0.5], [-1.0], [2.0], [0.0]], np.float32)


def columns() -> tuple[Columns, Description]:
    description = Description.of(Features(("a", "b"), CODES, (2, 3), ("c",), NUMBERS))
    raw = Columns.choose(description, CPU)
    return Columns(raw.of_code, raw.matrix(description, 0, 4).mean(dim=0)), description


def test_entities_of_whom_all_is_known_have_the_same_columns_either_way() -> None:
    made, description = columns()
    found = made.partial(CODES.astype(np.int64), (2, 3), NUMBERS)
    assert torch.allclose(found, made.matrix(description, 0, 4))


def test_what_is_unknown_counts_as_the_average_and_the_rest_as_ever() -> None:
    made, description = columns()
    whole = made.matrix(description, 0, 4)
    found = made.partial(np.array([[1, -1], [-1, 2], [-1, -1]]), (2, 3), np.array([[np.nan], [2.0], [np.nan]], np.float32))
    first, second = made.of_code[:2], made.of_code[2:5]
    assert torch.allclose(found[0, first], whole[1, first])
    assert torch.allclose(found[1, second], whole[2, second])
    assert found[1, -1] == whole[2, -1]
    assert not found[0, second].any()
    assert not found[0, -1].any()
    assert not found[1, first].any()
    assert not found[2].any()


def test_a_code_without_a_column_is_one_of_the_others() -> None:
    """Where only some codes have columns, a known entity of another code has none of theirs."""
    made, _ = columns()
    rare = Columns(torch.where(torch.arange(6) == 3, 1 + len(made.means), made.of_code), made.means)
    found = rare.partial(np.array([[0, 1]]), (2, 3), np.array([[0.0]], np.float32))
    for code in (2, 4):
        assert found[0, rare.of_code[code]] == -made.means[rare.of_code[code]]


def test_categories_by_membership_make_the_columns_that_slots_make() -> None:
    """And those of an item whose categories are not known count as average."""
    slots = np.array([[0, 2], [1, -1], [2, 1], [-1, -1]], np.int32)
    catalogue = ItemCatalog(slots, ("x", "y", "z"), Features(("a", "b"), CODES, (2, 3), ("c",), NUMBERS))
    description = Description.of(catalogue)
    raw = Columns.choose(description, CPU)
    made = Columns(raw.of_code, raw.matrix(description, 0, 4).mean(dim=0))
    whole = made.matrix(description, 0, 4)
    known = np.array([True, True, False, True])
    found = made.partial(CODES.astype(np.int64), (2, 3), NUMBERS, Tags(catalogue.membership(), known))
    assert torch.allclose(found[[0, 1, 3]], whole[[0, 1, 3]])
    own = made.of_code[5:8]
    assert not found[2, own].any()
    others = [column for column in range(len(made.means)) if column not in own.tolist()]
    assert torch.allclose(found[2, others], whole[2, others])
