"""Policies that cannot become a file give a one-line error, and no file gives other scores."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from darlr.artifacts import RunFolder
from darlr.errors import InputError, RunError
from darlr.run.saved import SavedPolicy
from darlr.serving.export import users
from darlr.serving.export.inference import Inference
from darlr.serving.export.onnx_file import onnx_bytes, require_same
from darlr.serving.export.users import users_of
from tests.serving.export.conftest import Case
from tests.serving.export.test_inference import ARCHITECTURES
from tests.worlds import CPU


@pytest.fixture
def saved(exported: Callable[[str, str], Case]) -> SavedPolicy:
    """A policy with a table of its users."""
    return SavedPolicy(RunFolder.open(exported(*ARCHITECTURES[0]).run), CPU)


class Stuck(Inference):
    """A policy that is bound to the size of its batch, or loops as often as its input says."""

    how: str

    def forward(
        self, user: Tensor, items: Tensor, rewards: Tensor, length: Tensor, blocked: Tensor, features: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        if self.how == "len":
            user = user + torch.zeros(len(user), dtype=torch.int64)
        else:
            for _ in range(int(length.max())):
                user = user + 0
        return super().forward(user, items, rewards, length, blocked, features)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        pytest.param(
            "len",
            r"cannot be traced: axis 0 of 'user' came out as 2 for all requests; .* x.shape\[0\] instead of len",
            marks=pytest.mark.slow,
        ),  # a whole export
        ("loop", "the policy cannot be traced: "),
    ],
)
def test_what_cannot_be_traced_is_refused(saved: SavedPolicy, how: str, message: str) -> None:
    stuck = Stuck(saved, None)
    stuck.how = how
    with pytest.raises(RunError, match=message) as refusal:
        onnx_bytes(stuck, {})
    assert "\n" not in str(refusal.value)


def test_a_file_of_another_policy_is_found_out(exported: Callable[[str, str], Case], saved: SavedPolicy) -> None:
    other = (exported("bcq", "").folder / "policy.onnx").read_bytes()
    with pytest.raises(RunError, match=r"the exported policy gives other scores than the run's own: .* off"):
        require_same(other, saved, Inference(saved, None))


def test_a_table_that_no_file_holds_is_refused_before_it_is_made(saved: SavedPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "LARGEST", 1_000)
    with pytest.raises(InputError, match=r"0.0 GB of its 40 users, and an ONNX file holds 2 GB; .* of the kind 'factors'"):
        users_of(saved, None)
