import math

import torch

from darlr.rewards.pair_noise import pair_noise

PAIRS = torch.arange(200_000)
KEY, OTHER = torch.tensor(2**61 + 12_345), torch.tensor(3)


def test_it_is_standard_normal() -> None:
    noise = pair_noise(PAIRS, KEY).double()
    for level in (-2.0, -0.5, 0.0, 1.0, 3.0):
        share = float((noise <= level).double().mean())
        assert abs(share - (1 + math.erf(level / math.sqrt(2))) / 2) < 4e-3
    assert noise.isfinite().all()


def test_a_pair_has_the_same_noise_whatever_else_is_asked() -> None:
    some = PAIRS[[7, 3, 7]]
    assert pair_noise(some, KEY).tolist() == pair_noise(PAIRS, KEY)[[7, 3, 7]].tolist()


def test_pairs_and_keys_have_nothing_to_do_with_each_other() -> None:
    noise = pair_noise(PAIRS, KEY)
    for other in (noise.roll(1), pair_noise(PAIRS, OTHER), pair_noise(PAIRS, KEY + 1)):
        together = float(torch.corrcoef(torch.stack([noise, other]))[0, 1])
        assert abs(together) < 0.01
