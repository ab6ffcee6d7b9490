"""The replay of simulated steps: what is kept, what is drawn, and what a batch says of it."""

import pytest
import torch

from darlr.agents.replaying.replay import EpisodeReplay
from darlr.agents.returns import n_step_returns
from darlr.errors import InputError
from darlr.simulator.simulator import Episodes, Simulator, roll_out
from darlr.world.window import absent_item, start_item
from tests.agents.replaying.small import N_ITEMS, STEPS, USERS, excluded, leaving, simulator
from tests.worlds import CPU, draws


def played(world: Simulator, episodes: int, seed: int = 0) -> Episodes:
    """Episodes of items at random that are not repeated; `world` gives each of them another reward."""
    generator = draws(seed)

    def choose(running: Simulator) -> torch.Tensor:
        chances = torch.rand(len(running.rows), N_ITEMS, generator=generator)
        return chances.masked_fill(running.blocked, -1).argmax(dim=1) if running.blocked is not None else chances.argmax(dim=1)

    return roll_out(world, torch.randint(USERS, (episodes,), generator=generator), choose)


def world(allow_repeats: bool = False) -> Simulator:
    return simulator(allow_repeats, leaving(), torch.arange(USERS * N_ITEMS).view(USERS, N_ITEMS) / 10)


def every_step(replay: EpisodeReplay) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = replay.tensors()["replay.lengths"]
    rows, steps = (torch.arange(STEPS) < lengths[:, None]).nonzero(as_tuple=True)
    return rows, steps


@pytest.mark.parametrize("n_step", [1, 2, 3])
def test_a_batch_is_what_was_played(n_step: int) -> None:
    source = world()
    episodes = played(source, 20)
    assert 1 < int(episodes.lengths.min()) < int(episodes.lengths.max()) == STEPS
    replay = EpisodeReplay(20, source, USERS, CPU)
    replay.add(episodes)
    rows, steps = every_step(replay)
    batch = replay.batch(rows, steps, n_step, 0.9, 2)
    rewards = episodes.rewards[rows, steps]
    last = steps + 1 == episodes.lengths[rows]
    returns, place, discounts = n_step_returns(rewards, last, n_step, 0.9)
    torch.testing.assert_close(batch.returns, returns)
    torch.testing.assert_close(batch.discounts, discounts)
    visits = episodes.visits()
    assert torch.equal(batch.items, visits.items)
    assert torch.equal(batch.now.users, visits.users)
    assert torch.equal(batch.now.window.items, visits.window.last(2).items)
    assert torch.equal(batch.now.window.rewards, visits.window.last(2).rewards)
    goes_on = discounts > 0
    assert torch.equal(batch.after.window.items[goes_on], visits.window.last(2).items[place][goes_on])
    assert torch.equal(batch.after.window.rewards[goes_on], visits.window.last(2).rewards[place][goes_on])
    for number, (row, step) in enumerate(zip(rows.tolist(), steps.tolist(), strict=True)):
        had = episodes.actions[row].tolist()
        assert excluded(batch.now)[number].nonzero().flatten().tolist() == sorted(had[:step])
        if goes_on[number]:
            assert excluded(batch.after)[number].nonzero().flatten().tolist() == sorted(had[: step + n_step])


def test_the_first_step_sees_the_start_and_nothing_is_blocked_where_repeats_are_allowed() -> None:
    source = world(allow_repeats=True)
    replay = EpisodeReplay(3, source, USERS, CPU)
    replay.add(played(source, 3))
    batch = replay.batch(torch.tensor([0]), torch.tensor([0]), 1, 0.9, 3)
    assert batch.now.window.items.tolist() == [[absent_item(N_ITEMS), absent_item(N_ITEMS), start_item(N_ITEMS)]]
    assert batch.now.blocking is None
    assert batch.after.blocking is None


def test_the_newest_episodes_are_kept() -> None:
    source, replay = world(), EpisodeReplay(5, world(), USERS, CPU)
    total, kept = 0, list[list[int]]()
    for seed in range(3):
        episodes = played(source, 3, seed)
        total += int(episodes.lengths.sum())
        kept = [*kept[-2:], *episodes.actions.tolist()]
        replay.add(episodes)
    assert replay.played == total
    stored = replay.tensors()["replay.items"][:, -STEPS:].tolist()
    assert sorted(stored) == sorted(kept)
    assert len(replay) == int(replay.tensors()["replay.lengths"].sum())
    many = played(source, 12, 7)
    replay.add(many)
    assert sorted(replay.tensors()["replay.items"][:, -STEPS:].tolist()) == sorted(many.actions[-5:].tolist())


def test_every_step_is_drawn_equally_often() -> None:
    source = world()
    replay = EpisodeReplay(30, source, USERS, CPU)  # ten places stay empty
    replay.add(played(source, 20))
    rows, steps = replay.draw(100_000, draws())
    found = torch.bincount(rows * STEPS + steps, minlength=30 * STEPS)
    places = torch.zeros(30 * STEPS, dtype=torch.bool)
    expected = every_step(replay)
    places[expected[0] * STEPS + expected[1]] = True
    assert not found[~places].any()
    share = found[places] / 100_000 * len(replay)
    assert float((share - 1).abs().max()) < 0.15


def test_goes_on_from_its_tensors() -> None:
    source = world()
    first, second = EpisodeReplay(5, source, USERS, CPU), EpisodeReplay(5, source, USERS, CPU)
    first.add(played(source, 3))
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()})
    for replay in (first, second):
        replay.add(played(source, 4, 9))
    assert len(first) == len(second)
    assert all(torch.equal(tensor, second.tensors()[name]) for name, tensor in first.tensors().items())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("items", N_ITEMS + 2, f"'replay.items' has values from 0 to {N_ITEMS + 2}; expected 0 to {N_ITEMS + 1}"),
        ("users", USERS, f"'replay.users' has values from 0 to {USERS}; expected 0 to {USERS - 1}"),
        ("lengths", STEPS + 1, f"'replay.lengths' has values from 0 to {STEPS + 1}; expected 0 to {STEPS}"),
        ("rewards", float("nan"), "'replay.rewards' has a value that is no finite number"),
    ],
)
def test_what_no_replay_can_hold_is_refused(name: str, value: float, message: str) -> None:
    source = world()
    replay = EpisodeReplay(5, source, USERS, CPU)
    tensors = {key: tensor.clone() for key, tensor in replay.tensors().items()}
    tensors[f"replay.{name}"].view(-1)[0] = value
    if name == "items":
        tensors["replay.items"].view(-1)[1] = 0
    with pytest.raises(InputError, match=message):
        replay.restore(tensors)


def test_another_size_is_refused() -> None:
    source = world()
    other = EpisodeReplay(6, source, USERS, CPU).tensors()
    with pytest.raises(InputError, match=r"tensor 'replay\.users' is torch\.int64 \[6\]; expected torch\.int64 \[5\]"):
        EpisodeReplay(5, source, USERS, CPU).restore(other)
