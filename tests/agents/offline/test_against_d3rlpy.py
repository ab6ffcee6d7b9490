"""Our losses beside d3rlpy's, on the same numbers (`pip install darlr[compare]`)."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.replay import Replay
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.methods.bc import BC
from darlr.methods.decision_transformer import DecisionTransformer, DecisionTransformerConfig
from darlr.methods.iql import IQLConfig, iql_losses
from tests.agents.offline.policies import tracker_of
from tests.worlds import draws

pytest.importorskip("d3rlpy", reason="d3rlpy is not installed: pip install darlr[compare]")

from d3rlpy.algos.qlearning.torch.iql_impl import IQLImpl
from d3rlpy.models.torch.imitators import compute_discrete_imitation_loss
from d3rlpy.models.torch.q_functions.ensemble_q_function import ContinuousEnsembleQFunctionForwarder
from d3rlpy.models.torch.q_functions.mean_q_function import ContinuousMeanQFunctionForwarder
from d3rlpy.models.torch.transformers import DiscreteDecisionTransformer, SimplePositionEncoding

BATCH, N_ITEMS, BATCHES = 20, 7, 5


def test_cloning_agrees() -> None:
    generator = draws()
    policy: Any = BC(PolicyConfig(hidden_sizes=(8,)), tracker_of(N_ITEMS, generator), N_ITEMS, 0.5, generator)
    with torch.no_grad():
        policy.heads["actor"].bias.mul_(5.0)
    items, seen = torch.randint(N_ITEMS, (80,), generator=generator), torch.rand(80, generator=generator)
    replay = Replay(torch.zeros(80, dtype=torch.long), items, seen, seen, torch.arange(8).repeat(10), N_ITEMS)
    learner = OfflineLearner(policy, replay, OfflineConfig(), True)
    for _ in range(BATCHES):
        batch = learner.logged.batch(torch.randint(80, (BATCH,), generator=generator))
        _, parts = policy.losses(batch, policy)
        as_they_are = SimpleNamespace(logits=policy.scores(batch.now))  # torch's Categorical would take their log-sum away
        theirs: Any = compute_discrete_imitation_loss(lambda states: as_they_are, batch.items, batch.items, 0.5)  # noqa: B023
        torch.testing.assert_close(parts["imitation"], theirs.imitation_loss, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(0.5 * parts["logits"], theirs.regularization_loss, atol=1e-5, rtol=1e-5)


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


class _States(torch.nn.Module):
    """Our embedded states in the place of d3rlpy's encoder."""

    def __init__(self, states: torch.Tensor) -> None:
        super().__init__()
        self.states = states

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.states


def as_theirs(policy: Any, states: torch.Tensor) -> Any:
    """d3rlpy's network with the weights of a `DecisionTransformer`, over embedded `states` (B K, width)."""
    width, context = policy.embed_item.embedding_dim, policy.sequence
    made = DiscreteDecisionTransformer(
        encoder=_States(states),
        embed_size=width,
        position_encoding=SimplePositionEncoding(width, policy.embed_step.num_embeddings),
        action_size=N_ITEMS,
        num_heads=2,
        context_size=context,
        num_layers=2,
        attn_dropout=0.0,
        resid_dropout=0.0,
        embed_dropout=0.0,
        activation=torch.nn.GELU(),
        embed_activation=torch.nn.Tanh(),
    )
    made._position_encoding._embed.load_state_dict(policy.embed_step.state_dict())
    made._action_embed.load_state_dict(policy.embed_item.state_dict())
    made._rtg_embed.load_state_dict(policy.embed_return.state_dict())
    made._output.weight.data.copy_(policy.heads["actor"].weight)
    made._gpt2._layer_norm.eps = policy.transformer.norm.eps
    for theirs, ours in zip(made._gpt2._transformer, policy.transformer.layers, strict=True):
        attention = theirs._attention
        parts = zip(ours.query_key_value.weight.chunk(3), ours.query_key_value.bias.chunk(3), strict=True)
        for linear, (weight, bias) in zip((attention._q, attention._k, attention._v), parts, strict=True):
            linear.weight.data.copy_(weight)
            linear.bias.data.copy_(bias)
        for linear, own in ((attention._proj, ours.out), (theirs._mlp._l1, ours.widen), (theirs._mlp._l2, ours.narrow)):
            linear.load_state_dict(own.state_dict())
        theirs._layer_norm1.eps = theirs._layer_norm2.eps = ours.norm_attention.eps
    return made


def test_decision_transformer_agrees() -> None:
    """The same loss of whole sequences, and the same gradient of every weight that both have."""
    generator, context = draws(2), 4
    settings = DecisionTransformerConfig(context=context, width=8, layers=2, heads=2)
    tracker = tracker_of(N_ITEMS, generator)
    policy: Any = DecisionTransformer(PolicyConfig(hidden_sizes=()), tracker, N_ITEMS, settings, 9, generator)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        policy.heads["actor"].bias.zero_()  # theirs has none
        for module in policy.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.reset_parameters()  # theirs as they are at first
    steps = torch.arange(8).repeat(10)
    seen = torch.rand(80, generator=generator)
    items = torch.randint(N_ITEMS, (80,), generator=generator)
    replay = Replay(torch.zeros(80, dtype=torch.long), items, seen, seen, steps, N_ITEMS)
    learner = OfflineLearner(policy, replay, OfflineConfig(n_step=100, discount=1.0), True)
    for _ in range(BATCHES):
        chosen = 8 * torch.randint(10, (BATCH,), generator=generator) + torch.randint(3, 8, (BATCH,), generator=generator)
        batch = learner.logged.batch(chosen)
        loss = policy.losses(batch, policy)[0]
        rows = chosen[:, None] - torch.arange(context - 1, -1, -1)
        window = batch.now.window
        states = policy._states(batch.now.users, window, policy._ends(window)).detach().flatten(0, 1)
        theirs = as_theirs(policy, states)
        ahead = (learner.logged.returns[rows] / policy.scale)[:, :, None]
        _, logits = theirs(rows, items[rows], ahead, steps[rows], torch.zeros(BATCH, context))
        expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), items[rows].flatten())
        torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
        policy.zero_grad()
        loss.backward()
        expected.backward()  # type: ignore[no-untyped-call]
        pairs = [
            (policy.embed_item.weight, theirs._action_embed.weight),
            (policy.embed_return.weight, theirs._rtg_embed.weight),
            (policy.heads["actor"].weight, theirs._output.weight),
            (policy.transformer.layers[0].out.weight, theirs._gpt2._transformer[0]._attention._proj.weight),
        ]
        for own, other in pairs:
            torch.testing.assert_close(own.grad, other.grad, atol=1e-5, rtol=1e-4)
