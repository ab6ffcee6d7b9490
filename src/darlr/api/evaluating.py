"""`darlr.evaluate`: any policy, beside the same opponents."""

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
    """Judge a policy on every user of a data set's test world, beside the static policies.

    Without a truth, it is judged by how well it ranks held-out rows of the log.

    Args:
        policy: a run or its folder; an agent from outside (`darlr.Agent`), a function that names items or scores them; or a
            `darlr.Scorer`, whose users are rows and whose items are columns of the test world.
        dataset: a `darlr.Dataset`, a name or a folder. A run finds its own, unless it was handed over as frames.
        name: what the policy is called in tables.
        seed: of the sampled items and of the opponents' random draws; without a truth, for a policy from outside, also of the
            rows that are held out.
        out: where world models lie. One is fitted there for a policy from outside, if there is none yet: an opponent is its
            greedy list.
        settings, sections: settings of the test, of a policy from outside (a run brings its own): leave={"window": 2}.

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
