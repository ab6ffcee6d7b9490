"""Our losses beside d3rlpy's, on the same numbers (`pip install darlr[compare]`)."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from darlr.methods.bc import bc_losses
from darlr.methods.iql import IQLConfig, iql_losses
from tests.worlds import draws

pytest.importorskip("d3rlpy", reason="d3rlpy is not installed: pip install darlr[compare]")

from d3rlpy.algos.qlearning.torch.iql_impl import IQLImpl
from d3rlpy.models.torch.imitators import compute_discrete_imitation_loss
from d3rlpy.models.torch.q_functions.ensemble_q_function import ContinuousEnsembleQFunctionForwarder
from d3rlpy.models.torch.q_functions.mean_q_function import ContinuousMeanQFunctionForwarder

BATCH, N_ITEMS, BATCHES = 20, 7, 5


def test_cloning_agrees() -> None:
    generator = draws()
    for _ in range(BATCHES):
        logits = torch.randn(BATCH, N_ITEMS, generator=generator)
        items = torch.randint(N_ITEMS, (BATCH,), generator=generator)
        theirs: Any = compute_discrete_imitation_loss(
            lambda logits: torch.distributions.Categorical(logits=logits.log_softmax(1)), logits, items, 0.5
        )
        ours = bc_losses(logits.log_softmax(1), items, None)  # their penalty is on logits less their log-sum
        torch.testing.assert_close(ours["imitation"], theirs.imitation_loss, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(0.5 * ours["logits"], theirs.regularization_loss, atol=1e-5, rtol=1e-5)


def forwarder_of(values: torch.Tensor) -> ContinuousEnsembleQFunctionForwarder:
    """d3rlpy's view of critics whose `values` (B, 2) are known by the number of a row, which is all that they observe."""
    each = [lambda rows, actions, own=own: SimpleNamespace(q_value=own[rows]) for own in values.T[:, :, None]]
    forwarders: list[Any] = [ContinuousMeanQFunctionForwarder(function) for function in each]
    return ContinuousEnsembleQFunctionForwarder(forwarders, N_ITEMS)


def implementation_of(critics: torch.Tensor, targets: torch.Tensor, values: torch.Tensor, settings: IQLConfig) -> Any:
    """d3rlpy's losses, without the networks of continuous actions that it has them on.

    Args: critics, targets: (B, 2) of the critics and their targets; values: (B,) of the states.
    """
    made: Any = IQLImpl.__new__(IQLImpl)
    made._expectile, made._weight_temp, made._max_weight = settings.expectile, settings.beta, settings.bound
    made._gamma = 0.9
    made._q_func_forwarder, made._targ_q_func_forwarder = forwarder_of(critics), forwarder_of(targets)
    made._modules = SimpleNamespace(value_func=lambda rows: values[rows, None])
    return made


def test_implicit_q_learning_agrees() -> None:
    generator, settings = draws(1), IQLConfig(expectile=0.8, beta=2.0, bound=3.0)
    for _ in range(BATCHES):
        critics, target_critics = torch.randn(2, BATCH, 2, generator=generator)
        values, following, rewards = torch.randn(3, BATCH, generator=generator)
        ended = (torch.rand(BATCH, generator=generator) < 0.3).float()
        scores = torch.randn(BATCH, N_ITEMS, generator=generator)
        items = torch.randint(N_ITEMS, (BATCH,), generator=generator)
        targets = rewards + 0.9 * (1 - ended) * following
        ours = iql_losses(scores, critics, values, items, target_critics.amin(dim=1), targets, settings)

        theirs = implementation_of(critics, target_critics, values, settings)
        rows = torch.arange(BATCH)
        batch: Any = SimpleNamespace(
            observations=rows, actions=items[:, None], rewards=rewards[:, None], terminals=ended[:, None], intervals=1
        )
        found = theirs.compute_critic_loss(batch, following[:, None])
        torch.testing.assert_close(ours["value"], found.v_loss, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours["critic"], found.q_loss, atol=1e-5, rtol=1e-5)
        likelihoods: torch.Tensor = scores.log_softmax(dim=1)[rows, items]
        expected = -(theirs._compute_weight(batch).squeeze(1) * likelihoods).mean()
        torch.testing.assert_close(ours["actor"], expected, atol=1e-5, rtol=1e-5)
