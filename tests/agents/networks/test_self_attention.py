"""SASRec's blocks beside torch's own, what they look at, and dropout."""

import torch
from torch import nn

from darlr.agents.networks.self_attention import Dropout, SelfAttentionEncoder
from tests.worlds import draws


def test_attention_equals_torchs_own_layers() -> None:
    encoder = SelfAttentionEncoder(8, 5, 2, 2, draws())
    inputs = torch.randn(2, 5, 8, generator=draws(1))
    present = torch.tensor([[False, False, True, True, True], [True] * 5])
    weights = encoder.state_dict()
    hidden = inputs + weights["positions"][torch.tensor([[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]])]
    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    for number in range(2):
        own = {
            name.removeprefix(f"blocks.{number}."): value
            for name, value in weights.items()
            if name.startswith(f"blocks.{number}.")
        }
        layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=8, dropout=0.0, batch_first=True, norm_first=True)
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": own["query_key_value.weight"],
                "self_attn.in_proj_bias": own["query_key_value.bias"],
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
        layer.train()  # evaluation takes another path, which sets absent rows to 0
        with torch.no_grad():
            hidden = layer(hidden, src_mask=causal, src_key_padding_mask=~present).nan_to_num(0.0)
    expected = nn.functional.layer_norm(hidden, (8,), weights["norm.weight"], weights["norm.bias"])
    with torch.no_grad():
        found = encoder(inputs, present)
    torch.testing.assert_close(found[present], expected[present], atol=1e-5, rtol=1e-5)


def test_a_position_sees_itself_and_earlier_ones_that_are_present() -> None:
    encoder = SelfAttentionEncoder(8, 5, 2, 2, draws())
    inputs, present = torch.randn(1, 5, 8, generator=draws(1)), torch.tensor([[False, True, True, True, True]])
    with torch.no_grad():
        base = encoder(inputs, present)
        for changed in range(5):
            other = inputs.clone()
            other[0, changed] *= -1.0  # a shift would be lost in LayerNorm
            differs = (encoder(other, present) - base).abs().amax(dim=2)[0] > 1e-5
            expected = [place >= changed if changed else place == 0 for place in range(5)]
            assert differs.tolist() == expected


def test_dropout_keeps_the_mean_and_draws_from_its_generator() -> None:
    ones = torch.ones(20_000)
    dropped = Dropout(0.2, draws())(ones)
    assert sorted(set(dropped.tolist())) == [0.0, 1.25]
    torch.testing.assert_close(dropped.mean(), torch.tensor(1.0), atol=0.02, rtol=0)
    assert torch.equal(Dropout(0.2, draws())(ones), dropped)
    assert not torch.equal(Dropout(0.2, draws(1))(ones), dropped)
