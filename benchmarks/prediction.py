"""Pairs per second that a world model predicts, on one thread: `python -m benchmarks.prediction`.

It compares `EnsembleModel.predict`, which reads every user and item once, with the same network on listed pairs, for the
fields of KuaiRec and of KuaiRand and their numbers of items. Times are CPU times of the process.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch

from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.ensemble import BLOCK, EnsembleModel
from darlr.world_model.inputs import Inputs
from darlr.world_model.model import Scale
from darlr.world_model.settings import WorldModelConfig

CASES = {  # users, items, coded fields of a user and of an item (the id is one), numbers of each
    "kuairec, features: reference": (7_176, 10_728, 1, 5, 0, 1),
    "kuairand, features: all": (27_285, 7_583, 27, 9, 4, 3),
}
CODES = 50  # values of a feature


def world_model(
    users: int, items: int, user_fields: int, item_fields: int, user_numbers: int, item_numbers: int
) -> EnsembleModel:
    generator = torch.Generator().manual_seed(0)

    def codes(n: int, fields: int, start: int) -> torch.Tensor:
        features = torch.randint(CODES, (n, fields - 1), generator=generator) + start + n + torch.arange(fields - 1) * CODES
        return torch.cat([torch.arange(n)[:, None] + start, features], dim=1)

    items_from = 1 + users + (user_fields - 1) * CODES
    inputs = Inputs(
        codes(users, user_fields, 1),
        codes(items, item_fields, items_from),
        torch.randn(users, user_numbers, generator=generator),
        torch.randn(items, item_numbers, generator=generator),
        rows=items_from + items + (item_fields - 1) * CODES,
    )
    config = WorldModelConfig()
    network = DeepFMEnsemble(inputs, config.members, config.embedding_size, config.hidden_sizes, generator)
    return EnsembleModel(network, Scale(0.0, 1.0))


@torch.no_grad()
def pair_by_pair(model: EnsembleModel, users: torch.Tensor, items: torch.Tensor) -> None:
    step, members = max(1, BLOCK // len(items)), model.network.members
    for start in range(0, len(users), step):
        block = users[start : start + step]
        model.network(block.repeat_interleave(len(items)).expand(members, -1), items.repeat(len(block)).expand(members, -1))


def pairs_per_second(
    predict: Callable[[torch.Tensor, torch.Tensor], object], users: torch.Tensor, items: torch.Tensor
) -> float:
    predict(users[:2], items)
    started = time.process_time()
    predict(users, items)
    return len(users) * len(items) / (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100, help="users to predict all items for")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'case':30} {'pairs/s':>10} {'one by one':>11} {'ratio':>6}")
    for name, (users, items, *fields) in CASES.items():
        model = world_model(users, items, *fields)
        wanted, listed = torch.arange(options.users), torch.arange(items)
        whole = pairs_per_second(model.predict, wanted, listed)
        single = pairs_per_second(partial(pair_by_pair, model), wanted, listed)
        print(f"{name:30} {whole:>10,.0f} {single:>11,.0f} {whole / single:>6.2f}")


if __name__ == "__main__":
    main()
