import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.errors import InputError
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.rewritten import Overlay, RewrittenTable, rewritten
from tests.worlds import draws

BASE = torch.rand(6, 5, generator=draws())
WRITES = st.lists(
    st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 4)), st.floats(-9, 9, width=32), min_size=1), max_size=5
)


@given(WRITES)
def test_an_overlay_answers_as_a_table_does(writes: list[dict[tuple[int, int], float]]) -> None:
    overlay, table = Overlay(KeptEstimates(BASE)), rewritten(KeptEstimates(BASE))
    assert isinstance(table, RewrittenTable)
    before = BASE.clone()
    for cells in writes:
        users, items = (torch.tensor(part) for part in zip(*cells, strict=True))
        for estimates in (overlay, table):
            estimates.write(users, items, torch.tensor(list(cells.values())))
    everyone = torch.arange(6)
    assert torch.equal(overlay.cells(everyone[:, None], torch.arange(5)), table.table())
    assert torch.equal(overlay.rows(everyone.flip(0)), table.rows(everyone.flip(0)))
    assert torch.equal(overlay.table(), table.table())
    assert torch.equal(BASE, before)  # what lies beneath stays
    again = Overlay(KeptEstimates(BASE))
    again.restore(overlay.tensors())
    assert torch.equal(again.table(), table.table())
    assert len(overlay.tensors()["table.values"]) == len({cell for cells in writes for cell in cells})


def test_an_overlay_of_another_world_is_refused() -> None:
    overlay = Overlay(KeptEstimates(BASE))
    for places in ([3, 3], [-1, 2], [4, 30]):
        tensors = {"table.places": torch.tensor(places), "table.values": torch.zeros(2)}
        with pytest.raises(InputError, match=r"tensor 'table.places' is not ascending inside the world"):
            overlay.restore(tensors)
    with pytest.raises(InputError, match=r"table\.values"):
        overlay.restore({"table.places": torch.tensor([3]), "table.values": torch.zeros(2)})
