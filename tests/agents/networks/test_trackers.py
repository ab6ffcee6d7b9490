from dataclasses import replace

import pytest
import torch
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker, state_tracker
from darlr.agents.settings import TrackerConfig
from darlr.world.window import Window
from tests.worlds import draws, window_of

KINDS: tuple[str, ...] = ("mean", "gru", "transformer")
ITEMS = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, -2.0], [-1.0, 4.0]])
USERS = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
START, ABSENT = 4, 5
SMALL = TrackerConfig(window=3, width=8, heads=2)
FULL = window_of([[0, 1, 2]], [[0.5, 1.0, 0.0]])


def tracker(kind: str, seed: int = 0, config: TrackerConfig = SMALL) -> StateTracker:
    return state_tracker(replace(config, kind=kind), ITEMS, USERS, draws(seed))


def state(tracker: StateTracker, window: Window, user: int = 0) -> Tensor:
    with torch.no_grad():
        found: Tensor = tracker(torch.full((len(window.items),), user), window)
    return found


def test_mean() -> None:
    # Of (1, 2, 0.5), (3, 6, 1) and (5, -2, 0).
    torch.testing.assert_close(state(tracker("mean"), FULL), torch.tensor([[3.0, 2.0, 0.5]]))


def test_mean_of_what_is_inside_the_window() -> None:
    mean = tracker("mean")
    start = torch.cat([mean.item_vectors[START].detach(), torch.ones(1)])
    first, second, moved_on = state(
        mean,
        window_of(
            [[ABSENT, ABSENT, ABSENT, START], [ABSENT, ABSENT, START, 1], [START, 1, 0, 2]],
            [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.4], [1.0, 0.4, 0.2, 0.0]],
        ),
    )
    torch.testing.assert_close(first, start)
    torch.testing.assert_close(second, (start + torch.tensor([3.0, 6.0, 0.4])) / 2)
    torch.testing.assert_close(moved_on, torch.tensor([3.0, 2.0, 0.2]))  # the start has left the window of three


@pytest.mark.parametrize("kind", KINDS)
def test_absent_positions_contribute_nothing(kind: str) -> None:
    early = window_of([[ABSENT, START, 2]], [[0.0, 1.0, 0.3]])
    some = tracker(kind)
    before = state(some, early)
    if kind != "mean":  # the mean is a plain sum, and relies on the zeros that an absent position has
        torch.testing.assert_close(state(some, Window(early.items, torch.tensor([[9.0, 1.0, 0.3]]))), before)
    # The outputs are weighted: LayerNorm makes their plain sum a constant, whose gradients are rounding noise.
    states = some(torch.tensor([0]), early)
    (states * torch.arange(1.0, states.shape[1] + 1)).sum().backward()
    assert some.item_vectors.grad is not None
    assert not some.item_vectors.grad[ABSENT].any()
    assert (some.item_vectors.grad[[START, 2]].abs().amax(dim=1) > 1e-3).all()
    assert not torch.allclose(state(some, window_of([[0, START, 2]], [[0.0, 1.0, 0.3]])), before)


@pytest.mark.parametrize("kind", KINDS)
def test_an_absence_is_as_good_as_a_shorter_window(kind: str) -> None:
    long, short = tracker(kind), tracker(kind, config=replace(SMALL, window=2))
    weights = long.state_dict()
    if kind == "transformer":
        weights["encoder.positions"] = weights["encoder.positions"][-2:]  # counted from the newest
    short.load_state_dict(weights)
    early = window_of([[ABSENT, START, 2]], [[0.0, 1.0, 0.3]])
    torch.testing.assert_close(state(long, early), state(short, early))


@pytest.mark.parametrize("kind", KINDS)
def test_every_position_of_the_window_matters_and_none_before_it(kind: str) -> None:
    some = tracker(kind)
    whole = window_of([[3, 0, 1, 2]], [[0.5, 0.5, 0.5, 0.5]])
    base = state(some, whole)
    for position in range(4):
        items, rewards = whole.items.clone(), whole.rewards.clone()
        items[0, position] = START
        rewards[0, position] = 0.9
        same = position == 0
        assert torch.allclose(state(some, Window(items, whole.rewards)), base) is same
        assert torch.allclose(state(some, Window(whole.items, rewards)), base) is same


@pytest.mark.parametrize("kind", ["gru", "transformer"])
def test_order_matters(kind: str) -> None:
    some = tracker(kind)
    assert not torch.allclose(state(some, FULL), state(some, window_of([[1, 0, 2]], [[1.0, 0.5, 0.0]])), atol=1e-4)
    mean = tracker("mean")
    torch.testing.assert_close(state(mean, FULL), state(mean, window_of([[1, 0, 2]], [[1.0, 0.5, 0.0]])))


def test_the_transformer_reads_the_newest_position() -> None:
    # Nothing flows between positions once attention's output is silenced; only the position that is read still matters.
    some = tracker("transformer")
    with torch.no_grad():
        for name, parameter in some.named_parameters():
            if ".out." in name:
                parameter.zero_()
    base = state(some, FULL)
    torch.testing.assert_close(state(some, window_of([[3, START, 2]], [[0.1, 0.2, 0.0]])), base)
    assert not torch.allclose(state(some, window_of([[0, 1, 3]], [[0.5, 1.0, 0.0]])), base)


def test_the_transformer_equals_torchs_own_layers() -> None:
    some = tracker("transformer")
    window = window_of([[ABSENT, START, 2], [0, 1, 2]], [[0.0, 1.0, 0.3], [0.5, 1.0, 0.0]])
    weights = some.state_dict()
    inputs = torch.cat([some.item_vectors.detach()[window.items], window.rewards[..., None]], dim=2)
    hidden = inputs @ weights["project.weight"].T + weights["project.bias"] + weights["encoder.positions"]
    for number in range(SMALL.layers):
        own = {
            name.removeprefix(f"encoder.layers.{number}."): value
            for name, value in weights.items()
            if name.startswith(f"encoder.layers.{number}.")
        }
        layer = torch.nn.TransformerEncoderLayer(8, 2, dim_feedforward=8, dropout=0.0, batch_first=True)
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": torch.cat([own["query.weight"], own["key_value.weight"]]),
                "self_attn.in_proj_bias": torch.cat([own["query.bias"], own["key_value.bias"]]),
                "self_attn.out_proj.weight": own["out.weight"],
                "self_attn.out_proj.bias": own["out.bias"],
                "linear1.weight": own["widen.weight"],
                "linear1.bias": own["widen.bias"],
                "linear2.weight": own["narrow.weight"],
                "linear2.bias": own["narrow.bias"],
                "norm1.weight": own["norm_attention.weight"],
                "norm1.bias": own["norm_attention.bias"],
                "norm2.weight": own["norm_feedforward.weight"],
                "norm2.bias": own["norm_feedforward.bias"],
            }
        )
        with torch.no_grad():
            hidden = layer(hidden, src_key_padding_mask=window.items == ABSENT)
    torch.testing.assert_close(state(some, window), hidden[:, -1], atol=1e-5, rtol=1e-5)


def test_the_gru_equals_torchs_own() -> None:
    some = tracker("gru")
    gru = torch.nn.GRU(3, 8, batch_first=True)
    gru.load_state_dict(
        {name.replace("cell.", "") + "_l0": value for name, value in some.state_dict().items() if "cell" in name}
    )
    inputs = torch.tensor([[[1.0, 2.0, 0.5], [3.0, 6.0, 1.0], [5.0, -2.0, 0.0]]])
    with torch.no_grad():
        torch.testing.assert_close(state(some, FULL), gru(inputs)[1][0])
        torch.testing.assert_close(state(some, window_of([[ABSENT, ABSENT, 2]], [[0.0, 0.0, 0.0]])), gru(inputs[:, 2:])[1][0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_users_vector_is_appended(kind: str) -> None:
    plain, with_user = tracker(kind), tracker(kind, config=replace(SMALL, user_state=True))
    assert with_user.state_size == plain.state_size + 3
    both = torch.cat([FULL.items, FULL.items]), torch.cat([FULL.rewards, FULL.rewards])
    with torch.no_grad():
        states = with_user(torch.tensor([1, 0]), Window(*both))
    torch.testing.assert_close(states[:, -3:], USERS[[1, 0]])
    torch.testing.assert_close(states[:1, :-3], state(plain, FULL))
    assert torch.equal(state(plain, FULL, user=0), state(plain, FULL, user=1))
    assert plain.state_size == state(plain, FULL).shape[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_the_weights(kind: str) -> None:
    start = window_of([[ABSENT, START, 2]], [[0.0, 1.0, 0.3]])
    assert torch.equal(state(tracker(kind, 1), start), state(tracker(kind, 1), start))
    assert not torch.equal(state(tracker(kind, 1), start), state(tracker(kind, 2), start))
