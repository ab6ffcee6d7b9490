"""The contract of every state tracker: it reads its window alone, its seed decides it, and every parameter learns."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.settings import TrackerConfig
from darlr.testing.demands import demand, demand_alike, demand_tensor, run_checks
from darlr.world.window import Window, absent_item, start_item

SMALL = TrackerConfig(window=3, width=8, heads=2)
ITEM_VECTORS = ((1.0, 2.0), (3.0, 6.0), (5.0, -2.0), (-1.0, 4.0))
USER_VECTORS = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
START, ABSENT = start_item(len(ITEM_VECTORS)), absent_item(len(ITEM_VECTORS))


@dataclass(frozen=True)
class TrackerKind:
    """A kind of state tracker, in a world of 4 items (vectors of length 2) and 2 users (of length 3)."""

    kind: type[StateTracker]
    config: TrackerConfig = SMALL

    def build(self, seed: int = 0, **changes: object) -> StateTracker:
        """Build a new tracker, with `changes` of its `TrackerConfig`."""
        config = replace(self.config, **changes)  # type: ignore[arg-type]
        generator = torch.Generator().manual_seed(seed)
        return self.kind(config, torch.tensor(ITEM_VECTORS), torch.tensor(USER_VECTORS), generator)


TrackerCheck = Callable[[TrackerKind], None]


def window_of(items: list[list[int]], rewards: list[list[float]]) -> Window:
    """Make a window (B, L) of the given columns and rewards."""
    return Window(torch.tensor(items), torch.tensor(rewards))


def state_of(tracker: StateTracker, window: Window, user: int = 0) -> Tensor:
    """Return (B, state_size) states, without gradients, with the same user in every row."""
    with torch.no_grad():
        found: Tensor = tracker(torch.full((len(window.items),), user), window)
    return found


def _full() -> Window:
    return window_of([[0, 1, 2]], [[0.5, 1.0, 0.0]])


def _early() -> Window:
    return window_of([[ABSENT, START, 2]], [[0.0, 1.0, 0.3]])


def gives_states_of_its_size(subject: TrackerKind) -> None:
    """States are (B, state_size) for any B, and each row is computed by itself."""
    tracker = subject.build()
    full, early = _full(), _early()
    both = Window(torch.cat([full.items, early.items]), torch.cat([full.rewards, early.rewards]))
    states = demand_tensor(state_of(tracker, both), (2, tracker.state_size), "the state")
    for row, window in enumerate((full, early)):
        alone = state_of(tracker, window)
        demand_alike(alone, states[row : row + 1], "a state depends on the other rows of its batch")


def absent_positions_contribute_nothing(subject: TrackerKind) -> None:
    """Positions before an episode's start change no state and get no gradient; the start and the items do."""
    tracker = subject.build()
    before = state_of(tracker, _early())
    longer = window_of([[ABSENT, ABSENT, START, 2]], [[0.0, 0.0, 1.0, 0.3]])
    demand_alike(state_of(tracker, longer), before, "absent positions before the window change the state")
    _weighted(tracker(torch.tensor([0]), _early())).backward()  # type: ignore[no-untyped-call]
    gradient = tracker.item_vectors.grad
    demand(gradient is not None, "no gradient reaches item_vectors")
    assert gradient is not None
    demand(not gradient[ABSENT].any(), "the vector of absence has a gradient; mask positions that are not present")
    for place, name in ((START, "start"), (2, "newest item")):
        demand(bool((gradient[place].abs() > NOISE).any()), f"no gradient reaches the vector of the {name}")
    other = state_of(tracker, window_of([[0, START, 2]], [[0.0, 1.0, 0.3]]))
    demand(not torch.allclose(other, before), "an item where nothing was changes no state; are all positions read?")


def reads_its_window_alone(subject: TrackerKind) -> None:
    """The newest item and its reward matter; positions before the last `tracker.window` ones do not."""
    tracker = subject.build()
    whole = window_of([[3, 0, 1, 2]], [[0.5, 0.5, 0.5, 0.5]])
    base = state_of(tracker, whole)
    demand_alike(state_of(tracker, _changed(whole, 0)), base, "the state depends on a position before 'tracker.window'")
    items, rewards = whole.items.clone(), whole.rewards.clone()
    items[0, -1], rewards[0, -1] = 3, 0.9
    for name, other in (("item", Window(items, whole.rewards)), ("reward", Window(whole.items, rewards))):
        demand(not torch.allclose(state_of(tracker, other), base), f"the state does not depend on the newest {name}")


def appends_the_user(subject: TrackerKind) -> None:
    """With `tracker.user_state` the user's vector ends the state; without it, users do not matter."""
    plain, with_user = subject.build(), subject.build(user_state=True)
    expected = plain.state_size + len(USER_VECTORS[0])
    demand(
        with_user.state_size == expected, f"with 'tracker.user_state' a state has {with_user.state_size}; expected {expected}"
    )
    for user, vector in enumerate(USER_VECTORS):
        state = state_of(with_user, _full(), user)
        demand_alike(state[:, plain.state_size :], torch.tensor([vector]), "a state does not end with the user's vector")
    demand_alike(state_of(plain, _full(), 0), state_of(plain, _full(), 1), "the state depends on the user unasked")


def the_seed_decides_the_weights(subject: TrackerKind) -> None:
    """All random numbers come from the generator: the same seed gives the same weights, another seed gives others."""
    first, same, other = (state_of(subject.build(seed), _early()) for seed in (1, 1, 2))
    demand(torch.equal(first, same), "two trackers of one seed differ; draw from the generator alone")
    demand(not torch.equal(first, other), "the seed changes nothing; draw from the generator")


NOISE = 1e-7
"""Gradients below this may be rounding errors of sums that are constant."""


def _weighted(states: Tensor) -> Tensor:
    """Return a sum of `states` (B, s) with different weights; after a LayerNorm, plain sums, even of squares, are constants."""
    return (states * torch.linspace(0.5, 2.0, states.shape[1])).sum()


def gradients_reach_every_part(subject: TrackerKind) -> None:
    """Every parameter gets a gradient from some window."""
    tracker = subject.build()
    full, early = _full(), _early()
    window = Window(torch.cat([full.items, early.items]), torch.cat([full.rewards, early.rewards]))
    _weighted(tracker(torch.tensor([0, 1]), window)).backward()  # type: ignore[no-untyped-call]
    for name, parameter in tracker.named_parameters():
        demand(parameter.grad is not None and bool((parameter.grad.abs() > NOISE).any()), f"no gradient reaches '{name}'")


def is_saved_whole(subject: TrackerKind) -> None:
    """A tracker of another seed, given the saved state_dict, gives the same states."""
    saved, loaded = subject.build(1), subject.build(2)
    loaded.load_state_dict(saved.state_dict())
    demand_alike(state_of(loaded, _full()), state_of(saved, _full()), "its state_dict does not hold all that decides a state")


TRACKER_CHECKS: tuple[TrackerCheck, ...] = (
    gives_states_of_its_size,
    absent_positions_contribute_nothing,
    reads_its_window_alone,
    appends_the_user,
    the_seed_decides_the_weights,
    gradients_reach_every_part,
    is_saved_whole,
)


def check_tracker(kind: type[StateTracker], config: TrackerConfig = SMALL) -> None:
    """Raise `AssertionError` unless `kind`, registered or not, is a state tracker that methods can rely on.

    Args:
        kind: the tracker's class.
        config: sizes to build it with; its window has 3 positions.
    """
    run_checks(TRACKER_CHECKS, TrackerKind(kind, config), f"tracker '{kind.__name__}'")


def _changed(window: Window, position: int) -> Window:
    items, rewards = window.items.clone(), window.rewards.clone()
    items[0, position], rewards[0, position] = START, 0.9
    return Window(items, rewards)
