"""An exported policy gives the scores of the run's own, for any request."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from darlr.artifacts import RunFolder
from darlr.data.catalog import Features
from darlr.data.registry import load
from darlr.methods.registry import METHODS
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import lookback_of
from darlr.world.window import Window
from tests.serving.export.conftest import Case
from tests.worlds import CPU

Arrays = Mapping[str, NDArray[Any]]

ARCHITECTURES = (
    ("mbpo", "tracker.kind=gru tracker.user_state=true policy.prior_weight=1.0"),
    ("darlr-plus", "tracker.kind=transformer policy.head=tied world_model.kind=factors tracker.user_state=true"),
    *(("mbpo", f"tracker.kind={kind} tracker.window=5") for kind in ("caser", "sasrec", "nextitnet")),
    ("bcq", ""),
    ("bayes-adaptive", ""),
)
"""One of each kind: users from a table and from factors, all trackers, both heads, an offline agent, a belief."""

OTHERS = (*((method, "") for method in METHODS), ("mbpo", "policy.actor=belief world_model.kind=factors"))

Histories = Sequence[tuple[Sequence[int], Sequence[float]]]


class Pair:
    """An exported policy and the run's own."""

    def __init__(self, case: Case) -> None:
        self.session = onnxruntime.InferenceSession(case.folder / "policy.onnx")
        self.about = json.loads(self.session.get_modelmeta().custom_metadata_map["darlr"])
        self.saved = SavedPolicy(RunFolder.open(case.run), CPU)
        self.outputs = [output.name for output in self.session.get_outputs()]

    def exported(
        self,
        users: Sequence[int],
        histories: Histories,
        blocked: NDArray[np.bool_],
        features: NDArray[np.float32] | None = None,
    ) -> Arrays:
        lengths = [len(items) for items, _ in histories]
        items = np.full((len(users), max(lengths)), 3)  # what is behind a row's length does not matter
        rewards = np.full(items.shape, 0.5, np.float32)
        for row, (own, given) in enumerate(histories):
            items[row, : len(own)], rewards[row, : len(own)] = own, given
        feed = {"user": np.array(users), "items": items, "rewards": rewards, "length": np.array(lengths), "blocked": blocked}
        if self.about["features"]:
            nothing = np.full((len(users), len(self.about["features"])), np.nan, np.float32)
            feed["features"] = nothing if features is None else features
        return dict(zip(self.outputs, self.session.run(None, feed), strict=True))

    def own(self, users: Sequence[int], histories: Histories, blocked: NDArray[np.bool_]) -> Arrays:
        """Ask the run's policy one request after the other, with windows built by hand."""
        n, lookback = len(self.saved.world_items), lookback_of(self.saved.config)
        low, high = self.saved.reward_range
        rows = []
        for user, (items, rewards), mask in zip(users, histories, blocked, strict=True):
            before = max(0, lookback - 1)
            shown = ([n + 1] * before + [n, *items])[-lookback:]
            given = ([0.0] * before + [1.0, *((reward - low) / (high - low) for reward in rewards)])[-lookback:]
            scorer = self.saved.network(np.array([user] if user >= 0 else [], np.int64)).scorer()
            scores = scorer(
                torch.tensor([0]), Window(torch.tensor([shown]), torch.tensor([given])), torch.from_numpy(mask)[None]
            )
            rows.append((scores.numpy(), scorer.probabilities(scores).numpy()))
        return dict(zip(("scores", "probabilities"), map(np.concatenate, zip(*rows, strict=True)), strict=True))


def check_scores(pair: Pair) -> None:
    """Compare batches of 1 and 7: no history, short ones, ones beyond the visible part, repeated items; known and unknown
    users.
    """
    random = np.random.default_rng(0)
    n, lookback = len(pair.saved.world_items), lookback_of(pair.saved.config)
    ends = pair.saved.reward_range
    lengths = (0, 1, 2, lookback - 1, lookback, lookback + 1, 2 * lookback + 3)
    histories = [(random.integers(0, n, length).tolist(), random.uniform(*ends, length).tolist()) for length in lengths]
    users = [0, -1, 39, 5, -1, 39, 7]
    blocked = random.random((7, n)) < 0.3
    blocked[:, 1], blocked[3] = False, False
    together = pair.exported(users, histories, blocked)
    expected = pair.own(users, histories, blocked)
    for name, values in expected.items():
        assert together[name].shape == (7, n)
        np.testing.assert_allclose(together[name], values, rtol=1e-5, atol=1e-5 * scale(values), err_msg=name)
    for row in range(7):
        alone = pair.exported(users[row : row + 1], histories[row : row + 1], blocked[row : row + 1])
        for name, values in expected.items():
            np.testing.assert_allclose(alone[name][0], values[row], rtol=1e-5, atol=1e-5 * scale(values), err_msg=name)
    assert np.isneginf(together["scores"]).tolist() == blocked.tolist()


def scale(values: NDArray[np.float32]) -> float:
    """Return 1, or the greatest score if that is more, because single precision has no 1e-5 of 300."""
    return max(1.0, float(np.abs(values[np.isfinite(values)]).max()))


@pytest.mark.parametrize(("method", "settings"), ARCHITECTURES)
def test_scores_and_probabilities_are_those_of_the_run(
    exported: Callable[[str, str], Case], method: str, settings: str
) -> None:
    check_scores(Pair(exported(method, settings)))


@pytest.mark.slow
@pytest.mark.parametrize(("method", "settings"), OTHERS)
def test_every_method(exported: Callable[[str, str], Case], method: str, settings: str) -> None:
    check_scores(Pair(exported(method, settings)))


def test_expected_rewards_are_those_of_the_posterior_after_the_answers(exported: Callable[[str, str], Case]) -> None:
    """By the normal equations (Eq. 3) and the joint probability of the answers (Eq. 4), in double precision."""
    pair = Pair(exported("bayes-adaptive", ""))
    saved = pair.saved
    policy: Any = saved.network(np.array([4]))
    belief = policy.belief
    items, rewards = [3, 11, 3, 20], [0.1, 4.0, 1.0, 2.5]
    low, high = saved.reward_range
    rewards = [min(max(reward, low), high) for reward in rewards]
    loadings, intercepts, noise = (getattr(belief, name)[items].double() for name in ("loadings", "intercepts", "noise"))
    mean, covariance = belief.user_means[0].double(), belief.user_covariances[0].double()
    y = belief.scale.to_scale(torch.tensor(rewards, dtype=torch.float64))
    means, evidence = [], []
    for level in range(noise.shape[1]):
        diagonal = torch.diag(noise[:, level])
        predicted: Any = torch.distributions.MultivariateNormal(
            intercepts + loadings @ mean, loadings @ covariance @ loadings.T + diagonal
        )
        evidence.append(predicted.log_prob(y))
        gain = covariance @ loadings.T @ torch.linalg.inv(predicted.covariance_matrix)
        means.append(mean + gain @ (y - predicted.mean))
    factors = torch.stack(evidence).softmax(dim=0) @ torch.stack(means)
    expected = belief.scale.to_reward(belief.intercepts[:-2].double() + belief.loadings[:-2].double() @ factors)
    n = len(saved.world_items)
    found = pair.exported([4], [(items, rewards)], np.ones((1, n), bool))["expected_rewards"]
    np.testing.assert_allclose(found[0], expected.numpy(), rtol=1e-4, atol=1e-4)
    before = pair.exported([4], [([], [])], np.zeros((1, n), bool))["expected_rewards"]
    assert np.abs(found - before).max() > 1e-3


def test_features_of_a_new_user_give_the_prior_of_the_world_model(exported: Callable[[str, str], Case]) -> None:
    pair = Pair(exported("bayes-adaptive", ""))
    known = load(pair.saved.config, None).dataset.user_features
    codes, numbers = np.array([[2, 0, 3]], np.int32), np.array([[0.5, -1.0]], np.float32)
    like = Features(known.code_names, codes, known.code_sizes, known.numeric_names, numbers)
    row = np.full((1, len(pair.about["features"])), np.nan, np.float32)
    values = dict(zip(known.code_names, map(str, codes[0]), strict=True))
    given = dict(zip(known.numeric_names, numbers[0], strict=True))
    for place, column in enumerate(pair.about["features"]):
        row[0, place] = values[column["feature"]] == column["value"] if "value" in column else given[column["feature"]]
    model: Any = pair.saved.model
    [mean], _ = model.users.prior_of(like)
    responses, items = model.responses.within(*pair.saved.reward_range), torch.from_numpy(pair.saved.world_items)
    expected = responses.to_reward(responses.intercepts[items] + responses.loadings[items] @ mean).numpy()
    nothing = np.zeros((1, len(items)), bool)
    found = pair.exported([-1], [([], [])], nothing, row)["expected_rewards"][0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    average = pair.exported([-1], [([], [])], nothing)["expected_rewards"][0]
    assert np.abs(found - average).max() > 1e-3
    known_by_log, described = (pair.exported([7], [([], [])], nothing, features)["scores"] for features in (None, row))
    np.testing.assert_array_equal(known_by_log, described)
