"""`darlr.evaluate`: judge any policy, next to the same static policies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darlr.agents.acting import Scorer
from darlr.api.agents import Agent
from darlr.api.arguments import DatasetLike, gathered
from darlr.api.evaluation import Evaluation
from darlr.api.judging import evaluate_agent, evaluate_run
from darlr.api.monitors import listening
from darlr.api.run import Run
from darlr.errors import InputError
from darlr.run.training import Monitor


def evaluate(
    policy: Run | str | Path | Scorer | Agent,
    dataset: DatasetLike | None = None,
    *,
    name: str | None = None,
    seed: int = 0,
    out: Path | str = Path("runs"),
    device: str = "auto",
    data_dir: Path | str | None = None,
    monitor: Monitor | None = None,
    progress: bool = False,
    settings: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Evaluation:
    """Judge a policy on every user of a data set's test world, next to the static policies.

    Without a truth, the policy is judged by how well it ranks held-out rows of the log.

    Args:
        policy: a run or its folder, an agent from outside (`darlr.Agent`), or a `darlr.Scorer`. An agent is a function that
            names items or scores them. A scorer's users are rows, and its items columns, of the test world.
        dataset: a `darlr.Dataset`, a name or a folder. A run finds its own data set, unless that was made from frames.
        name: the policy's name in tables.
        seed: the seed of sampled items and of the opponents' random draws. Without a truth, for a policy from outside, it
            also chooses the held-out rows.
        out: the folder of world models. For a policy from outside, one is fitted there if there is none yet, because one
            opponent is the world model's greedy list.
        device: "auto" (a GPU if there is one), "cpu" or "cuda".
        data_dir: the folder of named data sets.
        monitor: an object that is told about progress.
        progress: whether to show progress bars.
        settings, sections: settings of the test for a policy from outside, such as leave={"window": 2}; a run has its own.

    Raises:
        InputError: for data, settings or answers of an agent that cannot be used.
    """
    values = gathered(settings, sections, {"seed": seed})
    if isinstance(policy, Run | str | Path):
        if len(values) > 1:
            other = next(key for key in values if key != "seed")
            raise InputError(f"setting '{other}' is given, but a run is judged by its own settings; expected none")
        if isinstance(policy, Run):
            return policy.evaluate(dataset, name=name, seed=seed, device=device, data_dir=data_dir)
        return evaluate_run(Path(policy), dataset, name=name, seed=seed, device=device, data_dir=data_dir)
    if not callable(policy):
        raise InputError(f"the policy is a {type(policy).__name__}; expected a run, its folder, a Scorer or an agent to call")
    if dataset is None:
        raise InputError("no data set is given to judge the policy on; expected a darlr.Dataset, a name or a folder")
    with listening(monitor, progress) as listener:
        return evaluate_agent(policy, dataset, values, name, Path(out), device, data_dir, listener)
