"""The contract of every method: it learns, obeys masks, repeats its numbers, resumes and serves."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from darlr.agents.continuing import continue_policy
from darlr.artifacts import RunFolder
from darlr.config.loading import leaf_type, merge
from darlr.data.registry import load
from darlr.evaluation.judging import TruthJudge
from darlr.methods.experiment import experiment_type
from darlr.methods.method import Method
from darlr.methods.registry import METHODS
from darlr.run.evaluating import evaluate_run
from darlr.run.saved import SavedPolicy
from darlr.run.training import Finished, Monitor, train
from darlr.run.worlds import lookback_of, true_world
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from darlr.testing.demands import blaming, demand, demand_equal, registered
from darlr.testing.monitors import Interrupter, Remembering, Silent
from darlr.testing.planted import ITEMS, LONGEST, PLANTED, scratch, write_planted_world, write_truth
from darlr.testing.results import results, without_seconds
from darlr.tuning.space import Space
from darlr.world.window import Window

CPU = torch.device("cpu")
BEST = 50.0
"""The return of an episode that recommends liked items alone; random choice gets about 30."""

SMALL: Mapping[str, Any] = {
    "dataset": PLANTED,
    "world_model": {"members": 2, "hidden_sizes": [8], "max_epochs": 5, "learning_rate": 0.01},
    "factors": {"size": 2, "link": "identity"},
    "policy": {"hidden_sizes": [8]},
    "a2c": {"learning_rate": 0.02, "minibatch_size": 128},
    "offline": {"learning_rate": 0.01, "batch_size": 64, "updates_per_epoch": 100, "target_sync": 30},
    "causal": {"tau": 0.5},
    "cirs": {"exposure_weight": 0.01},
    "replay": {"learning_rate": 0.01, "batch_size": 64, "steps_per_update": 5, "target_sync": 30, "annealing_steps": 1000},
    "training": {"epochs": 4, "steps_per_epoch": 1000, "environments": 10},
    "evaluation": {"episodes": 10},
}
"""Settings of a run that learns the planted world in seconds."""


@dataclass(frozen=True)
class TrainedMethod:
    """A method that was trained in the planted world.

    Attributes:
        method: the method.
        settings: nested settings of the run.
        data: the data directory with the planted world.
        out: the folder of results.
        device: the device that it learned on.
        run: the finished run.
    """

    method: Method
    settings: Mapping[str, Any]
    data: Path
    out: Path
    device: torch.device
    run: Finished

    def again(self, out: Path, changes: Mapping[str, Any] | None = None, monitor: Monitor | None = None) -> Finished:
        """Run again with `changes`; the results go below `out`."""
        return train(merge(self.settings, changes or {}), self.data, out, self.device, monitor or Silent())


MethodCheck = Callable[[TrainedMethod, Path], None]
"""A check; its second argument is an empty folder for it."""


def train_method(
    method: Method,
    settings: Mapping[str, Any],
    data: Path,
    out: Path,
    device: torch.device = CPU,
    monitor: Monitor | None = None,
) -> TrainedMethod:
    """Train a registered method in the planted world of the data directory, with `SMALL` and then `settings`."""
    values = merge(merge(SMALL, settings), {"method": method.name})
    with blaming(f"method '{method.name}'"):
        return TrainedMethod(method, values, data, out, device, train(values, data, out, device, monitor or Silent()))


def learns_what_is_liked(trained: TrainedMethod, folder: Path) -> None:
    """The deployed policy gains more than half of the distance from random choice to the best."""
    summary = trained.run.summary
    blind = summary["opponents"]["uniform_random"]["nx_0"]["r_tra"]
    for policy in ("sampled", "greedy"):
        found = summary["nx_0"][policy]["r_tra"]["chosen"]["mean"]
        expected = f"expected more than {(blind + BEST) / 2:.3g} ({blind:.3g} is blind, {BEST:g} the best)"
        demand(found > (blind + BEST) / 2, f"does not learn: {policy}, it gets {found:.3g}; {expected}")


def never_recommends_an_item_twice(trained: TrainedMethod, folder: Path) -> None:
    """No item is repeated in a test that allows no repeats."""
    for mode, policies in evaluate_run(trained.run.path, "all", "both", 1, None, 0, trained.data, trained.device).items():
        for policy, metrics in policies.items():
            length, distinct = metrics["length"], metrics["cv_turn"]
            demand(length == LONGEST, f"an episode of {mode} has {length} steps; expected {LONGEST}")
            repeats = mode != "fb" and distinct != 1
            demand(not repeats, f"recommends an item twice in {mode}, {policy}; does its scorer obey 'blocked'?")


def never_recommends_what_the_world_lacks(trained: TrainedMethod, folder: Path) -> None:
    """No item outside the test world is recommended. The world has twelve items, which the log disliked but which pay."""
    other = shutil.copytree(trained.data / PLANTED, folder / "other")
    write_truth(other / "truth.csv", range(20), best=1, worst=5, items=range(0, 24, 2))
    tested = evaluate_run(trained.run.path, "all", "both", None, other, 0, trained.data, trained.device)
    for mode, policies in tested.items():
        for policy, metrics in policies.items():
            lost = metrics["r_tra"] != BEST
            demand(not lost, f"recommends what the test world lacks in {mode}, {policy}; it is in 'blocked'")


def resumes_to_the_same_numbers(trained: TrainedMethod, folder: Path) -> None:
    """A run that is stopped and resumed leaves the same files as one that is not."""
    shutil.copytree(trained.out / PLANTED / "world-models", folder / PLANTED / "world-models")  # one fit is enough
    with suppress(KeyboardInterrupt):
        trained.again(folder, monitor=Interrupter())
    monitor = Remembering()
    resumed = trained.again(folder, monitor=monitor)
    others = list(range(2, trained.run.config.training.epochs + 1))
    demand(monitor.epochs == others, f"stopped after epoch 1 and resumed, it learns epochs {monitor.epochs}; expected {others}")
    demand_equal(
        results(resumed.path),
        results(trained.run.path),
        "stopped and resumed, ends elsewhere; is all that it learned in tensors(), all it draws from the generator",
    )


def seeds_matter(trained: TrainedMethod, folder: Path) -> None:
    """Another seed gives other numbers."""
    schedule = {**trained.settings["training"], "epochs": 1}
    other = trained.again(trained.out, {"seed": trained.run.config.seed + 1, "training": schedule})
    first, second = (without_seconds(RunFolder.open(run.path).metrics()[0]) for run in (trained.run, other))
    demand(first != second, "gives the same numbers for two seeds")


def the_saved_policy_plays_its_test_again(trained: TrainedMethod, folder: Path) -> None:
    """A saved policy gets every metric of every mode as recorded, so it recommends as before."""
    config, run = trained.run.config, RunFolder.open(trained.run.path)
    saved, loaded = SavedPolicy(run, trained.device), load(config, trained.data)
    assert loaded.truth is not None
    world = true_world(config, loaded.dataset, loaded.truth, saved.world_items, trained.device)
    judge = TruthJudge(config, loaded.dataset, world, trained.device)
    again = judge.test(saved.network(saved.world_users).scorer(), saved.epoch)
    record = run.metrics()[saved.epoch - 1]
    text = "recommends otherwise after it was saved and loaded; what it needs must be in its state_dict"
    demand_equal(again, {name: record[name] for name in again}, text)


def serves_from_its_folder_alone(trained: TrainedMethod, folder: Path) -> None:
    """A moved run folder serves users of the log and new ones; scores are probabilities."""
    moved = shutil.copytree(trained.run.path, folder / "elsewhere")
    demand(liked(moved, trained.device) >= 4, "served from its folder, recommends items that are not liked")
    newcomer = Request("newcomer", ("i1", "i8"), (5, 1))
    [answer] = Recommender.load(moved, trained.device).recommend([newcomer], count=ITEMS - 2)
    others = {f"i{item}" for item in range(ITEMS)} - {"i1", "i8"}
    whole = {recommendation.item for recommendation in answer} == others
    demand(whole, "does not rank each item once that a new user has not had yet")
    total = sum(recommendation.score for recommendation in answer)
    demand(abs(total - 1) < 1e-4, f"the probabilities of all items add up to {total:g}; expected 1")


def goes_on_among_other_items(trained: TrainedMethod, folder: Path) -> None:
    """A policy that takes over learned parameters judges each item as before, although the items are numbered differently."""
    run, device = RunFolder.open(trained.run.path), trained.device
    saved, turned = SavedPolicy(run, device), SavedPolicy(run, device)
    turned.world_items, turned.membership = saved.world_items[::-1].copy(), saved.membership.flip(0)
    policies = [each.network(saved.world_users) for each in (saved, turned)]
    if saved.learned.keys() - dict(policies[0].named_parameters()).keys():
        return  # it also depends on values that are computed from the new log
    n_items, n_categories = saved.membership.shape
    places = {"items": torch.arange(n_items).flip(0), "categories": torch.arange(n_categories)}
    continue_policy(policies[1], saved.learned, places, {"items": n_items, "categories": n_categories})
    start = Window.at_start(n_items, lookback_of(saved.config), device)
    users = torch.arange(5, device=device)
    window = Window(start.items.expand(len(users), -1), start.rewards.expand(len(users), -1))
    before, now = (policy.scorer()(users, window) for policy in policies)
    same = torch.allclose(before, now.flip(1), rtol=1e-4, atol=1e-4)
    demand(same, "judges items otherwise where they have other numbers; are all parameters with rows of items in entity_rows()")


def its_settings_exist(trained: TrainedMethod, folder: Path) -> None:
    """Every key that the method fixes is a setting, and `darlr tune` can search each of its spaces."""
    method = trained.method
    for key in method.fixed:
        leaf_type(experiment_type(), key)
    if method.space:
        values = {"dataset": PLANTED, "method": method.name}
        Space.of_table(method.name, PLANTED).fitted(values, load(trained.run.config, trained.data))


METHOD_CHECKS: tuple[MethodCheck, ...] = (
    its_settings_exist,
    learns_what_is_liked,
    never_recommends_an_item_twice,
    never_recommends_what_the_world_lacks,
    resumes_to_the_same_numbers,
    seeds_matter,
    the_saved_policy_plays_its_test_again,
    serves_from_its_folder_alone,
    goes_on_among_other_items,
)


def check_method(method: Method, settings: Mapping[str, Any] | None = None, device: torch.device = CPU) -> None:
    """Raise an error unless `method` learns, obeys masks, repeats its numbers, resumes and serves, in a planted world (half
    a minute).

    For a method that imitates, the world's log mostly shows liked items.

    Args:
        method: registered or not.
        settings: nested settings besides `SMALL`, with which it learns the planted world in 4 epochs of 1,000 recommendations.
        device: the device that it learns and serves on.

    Raises:
        AssertionError: naming the broken part of the contract.
        InputError: for settings that it refuses.
    """
    with registered(METHODS, method.name, method), scratch() as folder:
        write_planted_world(folder / "data" / PLANTED, well_chosen=method.imitates)
        trained = train_method(method, settings or {}, folder / "data", folder / "runs", device)
        for check in METHOD_CHECKS:
            own = folder / check.__name__
            own.mkdir()
            with blaming(f"method '{method.name}'"):
                check(trained, own)


def liked(run: Path, device: torch.device | str = CPU) -> int:
    """Return the number of liked items among the first five recommended to a user."""
    [answer] = Recommender.load(run, device).recommend([Request("u30", exclude_seen=False, history="none")], count=5)
    return sum(int(str(recommendation.item)[1:]) % 2 for recommendation in answer)
