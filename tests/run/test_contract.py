"""The contract of every method: it learns, obeys masks, repeats its numbers, resumes, serves and scales.

The methods are those of `darlr.methods.registry.METHODS`, and most demands those of `darlr.testing`, which third parties
can use, too. So a new method is tested as soon as it exists. `make test-slow` tests `VARIANTS`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.agents.settings import SelectorConfig
from darlr.artifacts import RunFolder
from darlr.config.loading import merge
from darlr.methods.registry import METHODS
from darlr.testing.methods import METHOD_CHECKS, MethodCheck, TrainedMethod, learns_what_is_liked, liked, train_method
from darlr.testing.monitors import Interrupter
from darlr.testing.planted import PLANTED, write_planted_world
from tests.runs import output_of

LEARNING: Mapping[str, Any] = {"cql": {"min_q_weight": 0.1}, "crr": {"min_q_weight": 0.1}}
"""Settings with which our methods learn the planted world as fast as `darlr.testing` requires."""

OWN: Mapping[str, Mapping[str, Any]] = {
    # Longer contexts learn the 80 logged episodes by heart.
    "decision-transformer": {"policy": {"hidden_sizes": []}, "decision_transformer": {"asked": 1.0, "context": 1}}
}
"""The same, of single methods."""

LARGE: Mapping[str, Any] = {
    "synthetic": {"users": 8, "items": 8000},
    "world_model": {"members": 1, "max_epochs": 1},
    "leave": {"max_steps": 10},
    "offline": {"updates_per_epoch": 2},
    "replay": {"steps_per_update": 50},
    "training": {"epochs": 1, "steps_per_epoch": 100},
    "evaluation": {"noise": 1.0},
}
LARGE_MIB = 600
"""The largest memory of a run in the world of `LARGE`, besides the interpreter and its libraries.

It is less than all quantiles of all items' returns would take, for a batch of the offline agents.
"""

VARIANTS = (
    "cql-plain",
    "darlr-static-reward",
    "darlr-static-penalty",
    "darlr-r-similarity",
    "darlr-r-diversity",
    "double-dqn",
    "mopo",
)
"""Methods that only set a weight or a switch of another method, or share its loss, whose code runs here anyway."""

FULL_GROWN = [name for name in METHODS if name not in VARIANTS]
EVERY_METHOD = [pytest.param(name, marks=pytest.mark.slow) if name in VARIANTS else name for name in METHODS]

ON_A_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs lie; methods share their world models."""
    return tmp_path_factory.mktemp("runs")


def settings(method: str, world: Mapping[str, Any] = LEARNING) -> dict[str, Any]:
    """Return the settings of `world`, with as few neighbours and references as a small world has."""
    values = {**merge(world, OWN.get(method, {})), "method": method}
    if "neighbours.users" not in METHODS[method].fixed:
        values["neighbours"] = {"users": 3}
    if SelectorConfig in METHODS[method].reads:
        values["selector"] = {"references": 3, "pool": 6, "width": 16}
    return values


@pytest.fixture(scope="module")
def well_chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `planted`, with a log that shows mostly what is liked."""
    folder = tmp_path_factory.mktemp("well-chosen")
    write_planted_world(folder / PLANTED, well_chosen=True)
    return folder


@pytest.fixture(scope="module", params=EVERY_METHOD)
def trained(request: pytest.FixtureRequest, planted: Path, well_chosen: Path, out: Path) -> TrainedMethod:
    method = METHODS[request.param]
    return train_method(method, settings(method.name), well_chosen if method.imitates else planted, out)


@pytest.mark.parametrize("check", METHOD_CHECKS, ids=lambda check: check.__name__)
def test_keeps_the_contract(check: MethodCheck, trained: TrainedMethod, tmp_path: Path) -> None:
    check(trained, tmp_path)


def test_tells_what_share_each_category_has_in_the_end(trained: TrainedMethod) -> None:
    run = trained.run
    shares = run.summary["categories"]  # an item has one of two, and a step with one of the second pays 5, else 1
    last = RunFolder.open(run.path).metrics()[-1]["nx_0/sampled/r_each"]
    assert shares["a"]["recommended"] + shares["b"]["recommended"] == pytest.approx(1.0)
    assert shares["b"]["recommended"] == pytest.approx((last - 1) / 4, abs=0.15)
    # Without a threshold every row counts as liked; the category of more than half of the rows dominates.
    first, second = (80, 720) if trained.method.imitates else (405, 395)
    assert (shares["a"]["liked"], shares["b"]["liked"]) == (first / 800, second / 800)
    assert (shares["a"]["dominant"], shares["b"]["dominant"]) == (first > second, first < second)


@ON_A_GPU
@pytest.mark.parametrize("method", METHODS)
def test_runs_on_a_gpu(method: str, planted: Path, well_chosen: Path, tmp_path: Path) -> None:
    cuda, data = torch.device("cuda"), well_chosen if METHODS[method].imitates else planted
    with pytest.raises(KeyboardInterrupt):
        train_method(METHODS[method], settings(method), data, tmp_path, cuda, Interrupter())
    trained = train_method(METHODS[method], settings(method), data, tmp_path, cuda)
    learns_what_is_liked(trained, tmp_path)
    assert liked(trained.run.path, "cuda") >= 4
    assert liked(trained.run.path, "cpu") >= 4


def in_a_large_world(methods: Sequence[str], out: Path) -> dict[str, tuple[int, float]]:
    """Return method -> how a process ended that ran it in the world of `LARGE`, and its memory in MiB."""
    program = f"""
        import json, os, resource, torch, torch._dynamo
        from pathlib import Path
        from tests.run.test_contract import LARGE, settings
        from tests.runs import train_small

        torch.set_num_threads(1)
        out = Path({str(out)!r})

        def measured(run):
            # How a forked process ends that calls `run`, and its largest memory in MiB.
            # Threads do not survive a fork, so this process itself runs nothing; it has loaded what optimisers load late.
            child = os.fork()
            if child == 0:
                run()
                os._exit(0)
            _, status, usage = os.wait4(child, 0)
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024

        _, before = measured(lambda: train_small(out / "first"))  # the libraries, and what is imported late
        found = {{}}
        for method in {list(methods)!r}:
            code, most = measured(lambda: train_small(out, settings(method, LARGE)))
            found[method] = code, most - before
        print(json.dumps(found))
        """
    found: dict[str, tuple[int, float]] = json.loads(output_of(program))
    return found


@pytest.mark.parametrize(
    "methods", [pytest.param(FULL_GROWN, id="full-grown"), pytest.param(VARIANTS, id="variants", marks=pytest.mark.slow)]
)
def test_thousands_of_items_fit(methods: Sequence[str], tmp_path: Path) -> None:
    found = in_a_large_world(methods, tmp_path)
    assert found.keys() == set(methods)
    assert {method: found[method] for method in methods if found[method][0] != 0 or found[method][1] >= LARGE_MIB} == {}
