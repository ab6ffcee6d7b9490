"""A comparison of a GPU with the CPU, in results and speed: `python -m benchmarks.device`, under five minutes.

- *Contract.* Methods that cover every kind of learner pass `darlr.testing` on the device.
- *Numbers.* Both devices fit the factor model on the same log from the same random numbers. The fit works in double
  precision, but adds in another order, and it stops when a sweep gains little. So expected rewards may differ by a
  thousandth of the rewards' range. Then one saved policy of `bayes-adaptive` serves on both, in single precision and in one
  pass. Expected rewards and probabilities may differ by 1e-4 of their size plus 1e-5, the tolerance of `darlr.testing`.
  Learned policies are not compared, because a GPU draws other random numbers; the contract demands that they are good.
- *Speeds*, side by side, by wall time: the fit; steps of learning of `bayes-adaptive` and MBPO in their second epoch, on
  factors; lists for all users to Parquet.

Exit codes: 1 if the contract or a number is broken, 2 without a CUDA device. `--device cpu` compares the CPU with itself.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tests.run.test_contract import settings

from darlr.artifacts import RunFolder
from darlr.config.experiment import ExperimentConfig
from darlr.data.registry import load
from darlr.data.synthetic.settings import WorldSettings
from darlr.data.synthetic.writing import write_world
from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.run.training import train
from darlr.seeding import torch_generator
from darlr.serving.batch import write_all
from darlr.serving.recommender import Recommender
from darlr.testing.methods import check_method
from darlr.testing.monitors import Silent
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.settings import FactorSettings

CPU = torch.device("cpu")
CONTRACT = ("bayes-adaptive", "mbpo", "cql", "ucb")
"""Methods with beliefs, an actor and critic in a simulator, an offline learner, and a static list."""
FIT_TOLERANCE = 1e-3
"""The largest difference of expected rewards, as a share of the range of rewards."""
RELATIVE, ABSOLUTE = 1e-4, 1e-5


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--methods", nargs="*", default=list(CONTRACT), choices=list(METHODS), help="which keep the contract")
    parser.add_argument("--users", type=int, default=10_000, help="of the world in which speeds are measured")
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("benchmarks.device: torch finds no CUDA device here; --device cpu compares the CPU with itself", file=sys.stderr)
        sys.exit(InputError.exit_code)
    device = torch.device(options.device)
    print(f"device: {torch.cuda.get_device_name(device) if device.type == 'cuda' else 'cpu'}; torch {torch.__version__}")
    sound = keeps_contract(options.methods, device)
    with tempfile.TemporaryDirectory() as scratch:
        world = Path(scratch) / "world"
        write_world(WorldSettings(options.users, options.items, options.rows, test_users=min(1_000, options.users)), world)
        sound &= compared(world, Path(scratch), device)
    sys.exit(0 if sound else 1)


def keeps_contract(methods: Sequence[str], device: torch.device) -> bool:
    kept = True
    for name in methods:
        started = time.perf_counter()
        try:
            check_method(METHODS[name], settings(name), device)
        except AssertionError as error:
            kept, told = False, f"BROKEN: {error}"
        else:
            told = "kept"
        print(f"contract of {name:16} {time.perf_counter() - started:6.1f} s  {told}", flush=True)
    return kept


def compared(world: Path, out: Path, device: torch.device) -> bool:
    """Return numbers and speeds of both devices, and whether the numbers agree."""
    places = (CPU, device)
    fits = [fitted(world, place) for place in places]
    runs = [learned(world, out / f"runs-{number}", place) for number, place in enumerate(places)]
    sound = same_fits(*(model for model, _ in fits))
    sound &= same_lists(runs[-1][0], device)
    print(f"{'speeds':32} {'cpu':>12} {device.type:>12}")
    print(f"{'fit, seconds':32}", *(f"{seconds:12.2f}" for _, seconds in fits))
    for what in runs[0][1]:
        print(f"{what:32}", *(f"{speeds[what]:12,.0f}" for _, speeds in runs))
    return sound


def fitted(world: Path, device: torch.device) -> tuple[FactorModel, float]:
    dataset = load(ExperimentConfig(dataset=str(world)), None).dataset
    started = time.perf_counter()
    model, _ = fit_factors(dataset, FactorSettings(), torch_generator(0, "world_model", "factors"), device)
    if device.type == "cuda":  # which only queued the work
        torch.cuda.synchronize(device)
    return model, time.perf_counter() - started


def learned(world: Path, out: Path, device: torch.device) -> tuple[Path, dict[str, float]]:
    """Return the run of `bayes-adaptive`, and speeds of learning and serving."""
    speeds, paths = {}, []
    for method in ("mbpo", "bayes-adaptive"):
        training = {"epochs": 2, "steps_per_epoch": 10_000, "environments": 200}
        values = {"dataset": str(world), "method": method, "world_model": {"kind": "factors"}, "training": training}
        path = train(values, None, out, device, Silent()).path
        last = RunFolder.open(path).metrics()[-1]
        speeds[f"{method}, steps/s"] = last["train/steps"] / (last["seconds/sampling"] + last["seconds/learning"])
        paths.append(path)
    recommender = Recommender.load(paths[-1], device)
    started = time.perf_counter()
    write_all(recommender, out / "lists.parquet", 10)
    speeds["batch recommendation, users/s"] = len(recommender.user_ids) / (time.perf_counter() - started)
    return paths[-1], speeds


def same_fits(one: FactorModel, other: FactorModel) -> bool:
    """Compare every item's expected reward for the first 1,000 users."""
    rewards = []
    for model in (one, other):
        users, items = (torch.arange(len(side.means), device=side.means.device) for side in (model.users, model.items))
        rewards.append(model.predict(users[:1_000], items)[0].cpu())
    scale = one.responses.scale
    apart = float((rewards[0] - rewards[1]).abs().max()) / (scale.high - scale.low)
    return told("fits: expected rewards differ, in their range, by", apart, FIT_TOLERANCE)


def same_lists(run: Path, device: torch.device) -> bool:
    """Compare every item's probability and expected reward for the first 1,000 users."""
    answers = []
    for place in (CPU, device):
        recommender = Recommender.load(run, place)
        block = recommender.blocks.of_users(np.arange(min(1_000, len(recommender.user_ids))), True, True)
        ranked = recommender.ranker.rank(block, len(recommender.item_ids), False)
        order = ranked.columns.argsort(dim=1)
        answers.append([values.gather(1, order).cpu() for values in (ranked.probabilities, ranked.rewards)])
    sound = True
    for what, one, other in zip(("probabilities", "expected rewards"), *answers, strict=True):
        apart = float(((one - other).abs() / (ABSOLUTE + RELATIVE * one.abs())).max())
        sound &= told(f"one policy on both: {what} differ, in tolerances, by", apart, 1.0)
    return sound


def told(what: str, found: float, allowed: float) -> bool:
    sound = found <= allowed
    print(f"{what} {found:.2g} (allowed: {allowed:g}){'' if sound else '  BROKEN'}", flush=True)
    return sound


if __name__ == "__main__":
    main()
