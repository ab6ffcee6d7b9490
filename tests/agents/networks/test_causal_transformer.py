"""The causal Transformer: who sees whom."""

import torch

from darlr.agents.networks.causal_transformer import CausalTransformer
from tests.worlds import draws

N, WIDTH = 5, 8


def network(heads: int = 2) -> CausalTransformer:
    return CausalTransformer(WIDTH, 2, heads, draws())


def test_a_token_sees_those_before_it_alone() -> None:
    tokens, present = torch.randn(3, N, WIDTH, generator=draws(1)), torch.ones(3, N, dtype=torch.bool)
    changed = tokens.clone()
    changed[:, 3] += torch.randn(WIDTH, generator=draws(2))
    before, after = network()(tokens, present), network()(changed, present)
    assert [torch.equal(before[:, place], after[:, place]) for place in range(N)] == [True, True, True, False, False]


def test_nobody_sees_what_is_absent() -> None:
    tokens, present = torch.randn(2, N, WIDTH, generator=draws(1)), torch.tensor([[False, False, True, True, True]] * 2)
    found = network()(tokens, present)
    assert found.isfinite().all()
    torch.testing.assert_close(found[:, 2:], network()(tokens[:, 2:], present[:, 2:]))


def test_it_is_drawn_from_its_generator() -> None:
    assert all(torch.equal(one, other) for one, other in zip(network().parameters(), network().parameters(), strict=True))
    assert {float(layer.bias.detach().abs().sum()) for layer in network().modules() if isinstance(layer, torch.nn.Linear)} == {
        0.0
    }
