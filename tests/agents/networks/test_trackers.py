from dataclasses import replace

import pytest
import torch

from darlr.agents.networks.trackers import TRACKERS, StateTracker
from darlr.agents.networks.trackers.sasrec import SASRecTracker
from darlr.agents.settings import TrackerConfig
from darlr.testing.trackers import ABSENT, SMALL, START, TRACKER_CHECKS, TrackerCheck, TrackerKind, state_of
from darlr.world.window import Window
from tests.worlds import window_of

KINDS: tuple[str, ...] = ("mean", "gru", "transformer", "caser", "sasrec", "nextitnet")
ORDERED = tuple(kind for kind in KINDS if kind != "mean")
FULL = window_of([[0, 1, 2]], [[0.5, 1.0, 0.0]])


def tracker(kind: str, config: TrackerConfig = SMALL) -> StateTracker:
    return TrackerKind(TRACKERS[kind], config).build()


def test_mean() -> None:
    # Of (1, 2, 0.5), (3, 6, 1) and (5, -2, 0).
    torch.testing.assert_close(state_of(tracker("mean"), FULL), torch.tensor([[3.0, 2.0, 0.5]]))


def test_mean_of_what_is_inside_the_window() -> None:
    mean = tracker("mean")
    start = torch.cat([mean.item_vectors[START].detach(), torch.ones(1)])
    first, second, moved_on = state_of(
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
@pytest.mark.parametrize("check", TRACKER_CHECKS, ids=lambda check: check.__name__)
def test_keeps_the_contract(check: TrackerCheck, kind: str) -> None:
    check(TrackerKind(TRACKERS[kind]))


@pytest.mark.parametrize("kind", ORDERED)
def test_rewards_of_absent_positions_are_not_read(kind: str) -> None:
    # The mean is a plain sum, and relies on the zeros that an absent position has.
    some, early = tracker(kind), window_of([[ABSENT, START, 2]], [[0.0, 1.0, 0.3]])
    torch.testing.assert_close(state_of(some, Window(early.items, torch.tensor([[9.0, 1.0, 0.3]]))), state_of(some, early))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "caser"])  # which has filters for every length
def test_an_absence_is_as_good_as_a_shorter_window(kind: str) -> None:
    long, short = tracker(kind), tracker(kind, config=replace(SMALL, window=2))
    weights = long.state_dict()
    if kind == "transformer":
        weights["encoder.positions"] = weights["encoder.positions"][-2:]  # counted from the newest
    if kind == "sasrec":
        weights["encoder.positions"] = weights["encoder.positions"][:2]  # counted from the oldest
    short.load_state_dict(weights)
    early = window_of([[ABSENT, START, 2]], [[0.0, 1.0, 0.3]])
    torch.testing.assert_close(state_of(long, early), state_of(short, early))


@pytest.mark.parametrize("kind", KINDS)
def test_every_position_of_the_window_matters(kind: str) -> None:
    some = tracker(kind)
    whole = window_of([[3, 0, 1, 2]], [[0.5, 0.5, 0.5, 0.5]])
    base = state_of(some, whole)
    for position in range(1, 4):
        items, rewards = whole.items.clone(), whole.rewards.clone()
        items[0, position] = START
        rewards[0, position] = 0.9
        assert not torch.allclose(state_of(some, Window(items, whole.rewards)), base)
        assert not torch.allclose(state_of(some, Window(whole.items, rewards)), base)


@pytest.mark.parametrize("kind", ORDERED)
def test_order_matters(kind: str) -> None:
    some = tracker(kind)
    assert not torch.allclose(state_of(some, FULL), state_of(some, window_of([[1, 0, 2]], [[1.0, 0.5, 0.0]])), atol=1e-4)
    mean = tracker("mean")
    torch.testing.assert_close(state_of(mean, FULL), state_of(mean, window_of([[1, 0, 2]], [[1.0, 0.5, 0.0]])))


def test_the_transformer_reads_the_newest_position() -> None:
    # Nothing flows between positions once attention's output is silenced; only the position that is read still matters.
    some = tracker("transformer")
    with torch.no_grad():
        for name, parameter in some.named_parameters():
            if ".out." in name:
                parameter.zero_()
    base = state_of(some, FULL)
    torch.testing.assert_close(state_of(some, window_of([[3, START, 2]], [[0.1, 0.2, 0.0]])), base)
    assert not torch.allclose(state_of(some, window_of([[0, 1, 3]], [[0.5, 1.0, 0.0]])), base)


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
    torch.testing.assert_close(state_of(some, window), hidden[:, -1], atol=1e-5, rtol=1e-5)


def test_the_gru_equals_torchs_own() -> None:
    some = tracker("gru")
    gru = torch.nn.GRU(3, 8, batch_first=True)
    gru.load_state_dict(
        {name.replace("cell.", "") + "_l0": value for name, value in some.state_dict().items() if "cell" in name}
    )
    inputs = torch.tensor([[[1.0, 2.0, 0.5], [3.0, 6.0, 1.0], [5.0, -2.0, 0.0]]])
    with torch.no_grad():
        torch.testing.assert_close(state_of(some, FULL), gru(inputs)[1][0])
        torch.testing.assert_close(
            state_of(some, window_of([[ABSENT, ABSENT, 2]], [[0.0, 0.0, 0.0]])), gru(inputs[:, 2:])[1][0]
        )


LONG = replace(SMALL, window=5)


def positions_of(some: StateTracker) -> tuple[Window, torch.Tensor]:
    """An episode's beginning and a full window of five positions, and what a tracker sees of both, (2, 5, 3)."""
    window = window_of([[ABSENT, ABSENT, START, 1, 2], [3, 0, 1, 2, 1]], [[0.0, 0.0, 1.0, 0.2, 0.9], [0.1, 0.5, 1.0, 0.0, 0.7]])
    return window, torch.cat([some.item_vectors.detach()[window.items], window.rewards[..., None]], dim=2)


def test_caser_equals_one_filter_and_one_run_after_the_other() -> None:
    some = tracker("caser", replace(LONG, horizontal_filters=3, vertical_filters=2))
    window, inputs = positions_of(some)
    weights = some.state_dict()
    expected = []
    for row, picture in enumerate(inputs):
        parts = []
        for height in range(1, 6):
            for filter_, bias in zip(
                weights[f"horizontal.{height - 1}.weight"], weights[f"horizontal.{height - 1}.bias"], strict=True
            ):
                found = []
                for newest in range(height - 1, 5):
                    if window.items[row, newest] != ABSENT:
                        run = picture[newest - height + 1 : newest + 1]
                        found.append(max(0.0, float((run * filter_.view(height, 3)).sum() + bias)))
                parts.append(max(found))
        for number in range(3):  # of a position's numbers
            parts += [
                float(sum(weight * picture[place, number] for place, weight in enumerate(filter_)))
                for filter_ in weights["vertical.weight"]
            ]
        expected.append(torch.relu(weights["join.weight"] @ torch.tensor(parts) + weights["join.bias"]))
    torch.testing.assert_close(state_of(some, window), torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_nextitnet_equals_torchs_own_convolutions_over_each_episode() -> None:
    some = tracker("nextitnet", LONG)
    window, inputs = positions_of(some)
    weights = some.state_dict()

    def convolved(x: torch.Tensor, name: str, norm: str, dilation: int) -> torch.Tensor:
        """(L, 8) of an episode's L positions, as (1, 8, L) behind zeros."""
        taps = weights[f"{name}.weight"].view(8, 3, 8).transpose(1, 2)
        padded = torch.nn.functional.pad(x.T[None], (2 * dilation, 0))
        found = torch.nn.functional.conv1d(padded, taps, weights[f"{name}.bias"], dilation=dilation)[0].T
        return torch.relu(torch.nn.functional.layer_norm(found, (8,), weights[f"{norm}.weight"], weights[f"{norm}.bias"]))

    expected = []
    for row, seen in enumerate(inputs):
        x = seen[window.items[row] != ABSENT] @ weights["project.weight"].T + weights["project.bias"]
        for block, dilation in ((0, 1), (1, 4)):
            own = f"blocks.{block}"
            inner = convolved(x, f"{own}.first", f"{own}.norm_first", dilation)
            x = x + convolved(inner, f"{own}.second", f"{own}.norm_second", 2 * dilation)
        expected.append(x[-1])
    torch.testing.assert_close(state_of(some, window), torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_sasrec_reads_its_blocks_at_the_newest_position() -> None:
    some = tracker("sasrec", LONG)
    assert isinstance(some, SASRecTracker)
    window, inputs = positions_of(some)
    with torch.no_grad():
        for row, seen in enumerate(inputs):
            present = window.items[row] != ABSENT
            states = some.encoder(some.project(seen[present])[None], torch.ones(1, int(present.sum()), dtype=torch.bool))
            torch.testing.assert_close(state_of(some, window)[row], states[0, -1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if TRACKERS[kind].weights(SMALL, 2)])
def test_what_is_learned_beside_item_vectors_is_told_roughly(kind: str) -> None:
    config = TrackerConfig(kind=kind, window=8, width=32)
    some = TrackerKind(TRACKERS[kind], config).build()
    learned = sum(parameter.numel() for name, parameter in some.named_parameters() if name != "item_vectors")
    assert TRACKERS[kind].weights(config, some.input_size) == pytest.approx(learned, rel=0.3)
