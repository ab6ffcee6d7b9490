import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from darlr.agents.networks.trackers import MeanTracker
from darlr.agents.settings import TrackerConfig
from darlr.errors import InputError
from darlr.references.simulator import (
    NormalisedStart,
    OldestPositionTracker,
    WrappedWindow,
    drawing_from,
    normalised_start,
    reference_tracker,
    sinusoids,
)
from darlr.rewards.table import TableReward
from darlr.simulator.environments.sessions import Game, Sessions
from darlr.simulator.leave import Never, leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.settings import LeaveConfig
from tests.worlds import draws, membership_of, window_of

ITEMS = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, -2.0], [-1.0, 4.0]])
START, ABSENT = 4, 5
SMALL = TrackerConfig(kind="transformer", window=3, layers=2, heads=1)


class Recorder:
    """A leave rule under which no user leaves, and which remembers its input."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.shown: list[list[int]] = []

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        self.shown.append(recent[0].tolist())
        return torch.zeros_like(items, dtype=torch.bool)


@pytest.mark.parametrize(
    ("window", "sizes"),
    [
        (1, [0, 1, 1, 1, 1]),
        (2, [0, 1, 2, 2, 2]),
        (4, [0, 1, 2, 1, 4, 4, 4]),
        (10, [0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 10, 10]),
    ],
)
def test_the_slice_wraps_around(window: int, sizes: list[int]) -> None:
    recorder = Recorder(window)
    n_items, steps = 20, len(sizes)
    simulator = Simulator(
        TableReward(torch.zeros(1, n_items), 0.0, 1.0),
        WrappedWindow(recorder, n_items),
        n_items,
        steps + 1,
        1,
        allow_repeats=False,
    )
    roll_out(simulator, torch.tensor([0]), lambda at: torch.tensor([at.step_number]))
    history = [list(range(step)) for step in range(steps)]  # item t is recommended at step t
    expected = [
        [n_items + 1] * (window - size) + (past[-size:] if size else []) for past, size in zip(history, sizes, strict=True)
    ]
    assert recorder.shown == expected
    # What Python makes of the references' slice.
    assert expected == [
        [n_items + 1] * (window - len(seen)) + seen for past in history for seen in [past[len(past) - window :]]
    ]


def test_each_episode_wraps_by_its_own_length() -> None:
    rule = WrappedWindow(leave_rule(LeaveConfig(window=4), membership_of([[0], [1], [2], [3]]), torch.zeros(1, 4)), 4)
    # Item 0 has been recommended first of three, of four, and of two: only the first is forgotten.
    recent = torch.tensor([[4, 0, 1, 2], [0, 1, 2, 3], [5, 4, 0, 1]])
    assert rule.leaves(torch.tensor([0, 0, 0]), recent).tolist() == [False, True, True]


def test_the_start_is_normalised_once_a_step_is_taken() -> None:
    table = torch.tensor([[5.0, 3.0, 1.0]])
    simulator = NormalisedStart(TableReward(table, 1.0, 5.0), Never(), 3, 3, lookback=3, allow_repeats=False)
    shown: list[list[float]] = []

    def choose(at: Simulator) -> Tensor:
        shown.append(at.window.rewards[0].tolist())
        return torch.tensor([at.step_number])

    visits = roll_out(simulator, torch.tensor([0]), choose).visits()
    # While items are chosen: the start's 1 as it is, then (1 - 1) / (5 - 1) = 0 before rewards of 5 and 3, normalised.
    assert shown == [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.5]]
    # What is learned from: 0 at the first step, too.
    assert visits.window.rewards.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.5]]
    simulator.reset(torch.tensor([0]))
    assert simulator.window.rewards.tolist() == [[0.0, 0.0, 1.0]]


def test_sessions_of_agents_from_outside_show_the_same_start() -> None:
    reward = TableReward(torch.tensor([[5.0, 3.0, 1.0]]), 1.0, 5.0)
    game = Game(reward, Never(), 1, 3, 3, 3, allow_repeats=False, start_reward=normalised_start(1.0, 5.0))
    sessions, shown = Sessions(game, 1), []
    for _ in range(2):  # a session that begins anew knows nothing of the one before
        sessions.begin(torch.tensor([0]), torch.tensor([0]))
        for item in range(3):
            shown.append(sessions.window.rewards[0].tolist())
            sessions.step(torch.tensor([item]))
    assert shown == [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.5]] * 2


@pytest.mark.parametrize(("high", "expected"), [(4.0, 0.25), (0.5, 1.0)])
def test_a_start_above_the_range_is_cut_to_1(high: float, expected: float) -> None:
    simulator = NormalisedStart(TableReward(torch.zeros(1, 2), 0.0, high), Never(), 2, 2, lookback=2, allow_repeats=True)
    simulator.reset(torch.tensor([0]))
    simulator.step(torch.tensor([0]))
    assert simulator.window.rewards[0, 0] == expected


def tracker(config: TrackerConfig = SMALL) -> OldestPositionTracker:
    made = reference_tracker(config, ITEMS, torch.zeros(1, 0), draws())
    assert isinstance(made, OldestPositionTracker)
    return made


def state(tracker: OldestPositionTracker, items: list[list[int]], rewards: list[list[float]]) -> Tensor:
    with torch.no_grad():
        found: Tensor = tracker(torch.zeros(len(items), dtype=torch.long), window_of(items, rewards))
    return found


def test_the_first_state_is_the_start_vector_itself() -> None:
    some = tracker()
    start = torch.cat([some.item_vectors[START].detach(), torch.ones(1)])
    assert torch.equal(state(some, [[ABSENT, ABSENT, START]], [[0.0, 0.0, 1.0]])[0], start)
    # Beside a longer history it is read where nothing is.
    beside = state(some, [[ABSENT, ABSENT, START], [START, 0, 1]], [[0.0, 0.0, 1.0], [1.0, 0.2, 0.4]])
    assert not torch.allclose(beside[0], start)


def test_the_transformer_reads_the_last_position_newest_first_and_attends_to_zeros() -> None:
    some = tracker()
    items, rewards = [[ABSENT, START, 2], [0, 1, 3]], [[0.0, 1.0, 0.3], [0.5, 1.0, 0.0]]
    hidden = torch.zeros(2, 3, 3)  # two histories of three positions: an item vector of two numbers, and the reward
    vectors = some.item_vectors.detach()
    hidden[0, 0], hidden[0, 1] = torch.tensor([5.0, -2.0, 0.3]), torch.cat([vectors[START], torch.ones(1)])
    hidden[1] = torch.tensor([[-1.0, 4.0, 0.0], [3.0, 6.0, 1.0], [1.0, 2.0, 0.5]])
    hidden = hidden + sinusoids(3, 3)
    layers = torch.nn.TransformerEncoderLayer(3, 1, 3, dropout=0.0), 2
    plain = torch.nn.TransformerEncoder(*layers, enable_nested_tensor=False)  # positions first, then the batch
    plain.load_state_dict(
        {name.removeprefix("encoder."): value for name, value in some.state_dict().items() if "layers" in name}
    )
    with torch.no_grad():
        hidden = plain(hidden.transpose(0, 1)).transpose(0, 1)  # no mask: absences are attended to
    torch.testing.assert_close(state(some, items, rewards), hidden[:, -1], atol=1e-5, rtol=1e-5)


def test_values_are_dropped_in_training_mode_alone() -> None:
    some, items, rewards = tracker(), [[0, 1, 3]], [[0.5, 1.0, 0.0]]
    assert torch.equal(state(some, items, rewards), state(some, items, rewards))
    some.train()
    with drawing_from(draws(1)):
        first, second = state(some, items, rewards), state(some, items, rewards)
    with drawing_from(draws(1)):
        again = state(some, items, rewards)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_both_layers_start_alike_and_the_generator_decides_how() -> None:
    weights = tracker().state_dict()
    assert torch.equal(weights["encoder.layers.0.linear1.weight"], weights["encoder.layers.1.linear1.weight"])
    assert torch.equal(tracker().state_dict()["encoder.layers.0.linear1.weight"], weights["encoder.layers.0.linear1.weight"])


def test_absences_that_nobody_in_the_batch_fills_are_left_out() -> None:
    some = tracker()
    alone = state(some, [[ABSENT, START, 2]], [[0.0, 1.0, 0.3]])
    beside = state(some, [[ABSENT, START, 2], [0, 1, 3]], [[0.0, 1.0, 0.3], [0.5, 1.0, 0.0]])
    assert not torch.allclose(alone[0], beside[0])
    short = tracker(replace(SMALL, window=2))
    short.load_state_dict(some.state_dict())
    torch.testing.assert_close(alone, state(short, [[START, 2]], [[1.0, 0.3]]))


def test_positions_are_sines_and_cosines() -> None:
    second = sinusoids(2, 3)[1]
    assert second.tolist() == pytest.approx([math.sin(1), math.cos(1), math.sin(10_000 ** (-2 / 3))])
    assert sinusoids(2, 3)[0].tolist() == [0.0, 1.0, 0.0]


def test_heads_have_to_divide_what_the_state_is_made_of() -> None:
    with pytest.raises(InputError, match=r"'tracker.heads' is 2, but with 'reference_quirks' .* reward, 3; expected a number"):
        tracker(replace(SMALL, heads=2))


def test_the_mean_is_the_same() -> None:
    assert isinstance(reference_tracker(TrackerConfig(), ITEMS, torch.zeros(1, 0), draws()), MeanTracker)
