"""Histories, the loss, the encoders beside torch's own, and what an episode adds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darlr.agents.networks.self_attention import SelfAttentionEncoder
from darlr.agents.supervised import sequences
from darlr.agents.supervised.gru4rec import GRU4REC, RecurrentEncoder
from darlr.agents.supervised.preferences import Preferences
from darlr.agents.supervised.sasrec import SASREC
from darlr.agents.supervised.sequences import (
    WIDTH,
    Histories,
    SequenceModel,
    SequenceScorer,
    episode_threshold,
    next_item_loss,
)
from darlr.agents.supervised.supervised import Played, Supervised
from darlr.data.dataset import Dataset
from tests.agents.supervised.pairs import pairs_of
from tests.worlds import CPU, dataset_of, draws, log_of, window_of

N = 6
START, ABSENT = N, N + 1
KINDS = {"sasrec": SASREC, "gru4rec": GRU4REC}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "LENGTH", 3)


def five_and_one() -> Histories:
    """User 0 liked 4, 2, 0, 5, 1; user 1 nothing; user 2 item 3."""
    order = {4: 0.0, 2: 1.0, 0: 2.0, 5: 3.0, 1: 4.0}
    pairs = pairs_of([*((0, item) for item in sorted(order)), (2, 3)], 3, N)
    moments = torch.tensor([*(order[item] for item in sorted(order)), 0.0]).double()
    return Histories(replace(pairs, moments=moments), np.random.default_rng(0))


@pytest.mark.usefixtures("short")
def test_the_newest_items_after_the_start() -> None:
    found = five_and_one().latest(torch.tensor([0, 1, 2]))
    assert found.tolist() == [[0, 5, 1], [ABSENT, ABSENT, START], [ABSENT, START, 3]]


@pytest.mark.usefixtures("short")
def test_pieces_predict_every_item_once() -> None:
    inputs, following = five_and_one().pieces()
    assert inputs.tolist() == [[START, 4, 2], [2, 0, 5], [ABSENT, ABSENT, START]]
    assert following.tolist() == [[4, 2, 0], [ABSENT, 5, 1], [ABSENT, ABSENT, 3]]


def test_without_time_the_order_is_random() -> None:
    pairs = replace(pairs_of([(0, item) for item in range(N)], 1, N), moments=torch.zeros(N).double())
    first, second = (Histories(pairs, np.random.default_rng(seed)).items.tolist() for seed in (0, 1))
    assert sorted(first) == sorted(second) == list(range(N))
    assert first != second


def model_of(kind: str = "sasrec", n_items: int = N) -> SequenceModel:
    encoder = SelfAttentionEncoder(WIDTH, 50, 2, 1, draws(1)) if kind == "sasrec" else RecurrentEncoder(draws(1))
    model = SequenceModel(n_items, encoder, draws(2))
    with torch.no_grad():
        model.biases.normal_(generator=draws(3))
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_cross_entropy_of_each_step(kind: str) -> None:
    model = model_of(kind)
    inputs, following = torch.tensor([[START, 4, 2], [ABSENT, ABSENT, START]]), torch.tensor([[4, 2, 0], [ABSENT, ABSENT, 3]])
    expected = []
    for history, target in (([START], 4), ([START, 4], 2), ([START, 4, 2], 0), ([START], 3)):
        scores = model.scores(torch.tensor([history]))[0]
        expected.append(float((scores.logsumexp(0) - scores[target]).detach()))
    found = next_item_loss(model, inputs, following, None, lambda tensor: tensor)
    assert found.item() == pytest.approx(float(np.mean(expected)), rel=1e-5)
    # With all items drawn, the following one is not counted twice.
    drawn = next_item_loss(model, inputs, following, torch.arange(N), lambda tensor: tensor)
    assert drawn.item() == pytest.approx(found.item(), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_later_or_is_absent_changes_nothing(kind: str) -> None:
    model = model_of(kind)
    states = model.states(torch.tensor([[START, 4, 2]]))
    longer, otherwise = model.states(torch.tensor([[ABSENT, ABSENT, START, 4, 2]])), model.states(torch.tensor([[START, 4, 5]]))
    torch.testing.assert_close(longer[:, 2:], states, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(otherwise[:, :2], states[:, :2], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(otherwise[:, 2], states[:, 2], atol=1e-3)


def test_the_recurrent_encoder_equals_torchs_own() -> None:
    encoder = RecurrentEncoder(draws())
    gru = nn.GRU(WIDTH, WIDTH, batch_first=True)
    gru.load_state_dict({name.replace("cell.", "") + "_l0": value for name, value in encoder.state_dict().items()})
    inputs = torch.randn(3, 4, WIDTH, generator=draws(1))
    torch.testing.assert_close(encoder(inputs, torch.ones(3, 4, dtype=torch.bool)), gru(inputs)[0])


def test_an_episode_adds_what_the_user_likes_in_it() -> None:
    # The world has items 5, 0 and 3. The user liked 4, and in the episode, from 0.5 on, item 3, but not 5.
    model = model_of()
    histories = torch.tensor([[ABSENT] * 48 + [START, 4]])
    scorer = SequenceScorer(model, histories, torch.tensor([5, 0, 3]), 0.5)
    window = window_of([[4, 3, 0, 2]], [[0.0, 1.0, 0.4, 0.6]])  # absent, start, 5, 3
    with torch.no_grad():
        expected = model.scores(torch.tensor([[START, 4, 3]]))[:, [5, 0, 3]]
    found = scorer(torch.tensor([0]), window)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_an_episode_likes_what_the_log_calls_liked() -> None:
    rated = log_of([(0, 0, 1.0), (0, 1, 4.0)], 1, 2, positive_threshold=3.0)
    assert episode_threshold(rated, (0.0, 5.0)) == 3.0
    positives = log_of([(0, 0, 1.0)], 1, 2, reward_range=(0.0, 1.0), positive_only=True)
    assert episode_threshold(positives, (0.0, 2.0)) == 1.0


def _length(user: int) -> int:
    return 2 + user // 8 % 6


def in_a_circle() -> Dataset:
    """60 users who go through 2 to 7 of 8 items in one order, each from a place of its own."""
    rows = [(user, (user + step) % 8, 1.0) for user in range(60) for step in range(_length(user))]
    times = [float(number) for number in range(len(rows))]
    return dataset_of(log_of(rows, 60, 8, times=times, reward_range=(0.0, 1.0), positive_only=True))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_it_learns_what_follows(kind: Supervised) -> None:
    dataset = in_a_circle()
    scorer = kind.scorer(kind.fit(dataset, np.random.default_rng(0)), Played(dataset, (0.0, 1.0), CPU))
    best: Tensor = scorer(torch.arange(60), window_of([[9, 8]] * 60, [[0.0, 1.0]] * 60)).argmax(dim=1)
    expected = torch.tensor([(user + _length(user)) % 8 for user in range(60)])
    assert (best == expected).float().mean() > 0.9


def test_preferences_of_a_log_become_histories() -> None:
    log = log_of([(0, 3, 1.0), (0, 1, 1.0)], 1, N, times=[2.0, 1.0], reward_range=(0.0, 1.0), positive_only=True)
    found = Histories(Preferences.of(log), np.random.default_rng(0)).latest(torch.tensor([0]))
    assert found[0, -3:].tolist() == [START, 1, 3]
