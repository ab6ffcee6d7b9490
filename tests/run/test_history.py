from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.artifacts import RunFolder
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.run import history as kept
from darlr.run.history import HISTORY, History, load_history


def log_of(times: list[float] | None, rewards: list[float], items: int = 4) -> InteractionLog:
    return InteractionLog(
        users=np.array([1, 0, 1, 1], np.int32),
        items=np.array([3, 2, 0, 1], np.int32),
        rewards=np.array(rewards, np.float32),
        times=None if times is None else np.array(times),
        user_ids=np.arange(3),
        item_ids=np.arange(items),
        reward_range=(0.0, 5.0),
    )


@pytest.mark.parametrize(("times", "expected"), [(None, [2, 3, 0, 1]), ([9.0, 1.0, 3.0, 5.0], [2, 0, 1, 3])])
def test_rows_stand_by_user_and_then_by_time_or_as_in_the_log(times: list[float] | None, expected: list[int]) -> None:
    history = History.of(log_of(times, [4, 1, 5, 3]))
    assert history.starts.tolist() == [0, 1, 4, 4]
    assert history.items.tolist() == expected
    owners, rows = history.rows_of(np.array([2, 1, 0, 1]))
    assert owners.tolist() == [1, 1, 1, 2, 3, 3, 3]
    assert rows.tolist() == [1, 2, 3, 0, 1, 2, 3]


@pytest.mark.parametrize(("rewards", "items", "bytes_a_row"), [([4, 1, 5, 3], 4, 3), ([4, 1, 5, 3], 40_000, 5)])
def test_what_is_packed_comes_out_again(rewards: list[float], items: int, bytes_a_row: int) -> None:
    history = History.of(log_of(None, rewards, items))
    packed = kept._packed(history, items)
    assert sum(packed[name].element_size() for name in ("items", "rewards")) == bytes_a_row
    again = kept._unpacked(packed, items)
    for name, column in vars(history).items():
        assert np.array_equal(getattr(again, name), column)
        assert getattr(again, name).dtype == column.dtype


def test_many_distinct_rewards_are_kept_as_they_are(monkeypatch: Any) -> None:
    monkeypatch.setattr(kept, "MOST_LEVELS", 2)
    history = History.of(log_of(None, [0.1, 0.2, 0.3, 0.4]))
    packed = kept._packed(history, 4)
    assert "levels" not in packed
    assert np.array_equal(kept._unpacked(packed, 4).rewards, history.rewards)


class Folder(RunFolder):
    """Holds the tensors and the state of a file in memory."""

    def __init__(self, tensors: Any, state: Any) -> None:
        super().__init__(Path("run"))
        self._tensors, self._state = tensors, state

    def has_tensors(self, name: str) -> bool:
        return name == HISTORY

    def load_tensors(self, name: str) -> Any:
        return self._tensors, self._state

    def config(self) -> dict[str, Any]:
        return {}


def test_a_file_that_describes_no_history_is_refused() -> None:
    from darlr.config.loading import stable_hash

    names = ("code_names", "code_sizes", "code_values", "numeric_names", "numeric_scales")
    none: dict[str, list[Any]] = {name: [] for name in names}
    packed = kept._packed(History.of(log_of(None, [4, 1, 5, 3])), 4)
    state = {"config": stable_hash({}), "user_features": none}
    assert load_history(Folder(packed, state), 3, 4) is not None
    for changed, users, told in [
        (state, 4, "'starts' does not divide 4 rows among 4 users"),
        ({**state, "config": "other"}, 3, "made by a run of another config"),
        ({"config": ""}, 3, "user_features"),
    ]:
        with pytest.raises(InputError, match=told):
            load_history(Folder(packed, changed), users, 4)
    with pytest.raises(InputError, match="tensor 'rewards' has values from 9 to 12; expected 0 to 3"):
        load_history(Folder({**packed, "rewards": packed["rewards"] + 9}, state), 3, 4)
    with pytest.raises(InputError, match="tensor 'items' has values"):
        load_history(Folder({**packed, "items": packed["items"] + 9}, state), 3, 4)
