"""`darlr.make_env`: the simulator as an environment for agents from outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from darlr.api.arguments import DatasetLike, gathered, placed_on
from darlr.run.environments import environment_of
from darlr.simulator.environments.interface import OnBlocked
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.environments.vector import RecommendationVectorEnv


def make_env(
    dataset: DatasetLike,
    method: str = "darlr",
    *,
    num_envs: int | None = None,
    world: Literal["simulated", "true"] = "simulated",
    on_blocked: OnBlocked = "end",
    seed: int = 0,
    out: Path | str = Path("runs"),
    data_dir: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    **sections: Any,
) -> RecommendationEnv | RecommendationVectorEnv:
    """Make a gymnasium environment of the world in which `train` with the same arguments learns (docs/gymnasium.md).

    The world model is taken from `out`, or fitted and written there.

    Args:
        dataset: a `darlr.Dataset`, or the name or folder of one.
        method: the method whose rewards are paid.
        num_envs: the number of users at a time, as a gymnasium VectorEnv; None: one user, as an Env.
        world: "simulated", or "true" for the test world, which is for evaluation alone.
        on_blocked: the answer to a recommendation that is not allowed: "end" ends the episode unpaid, "refuse" raises an error.
        seed: the seed of the world model.
        out: the results folder.
        data_dir: the folder of named data sets.
        settings, sections: as in `darlr.train`.

    Raises:
        InputError: for a data set, a method or a setting that cannot be used.
    """
    values, loaded = placed_on(dataset, gathered(settings, sections, {"method": method, "seed": seed}), data_dir)
    return environment_of(values, loaded, Path(out), num_envs, world, on_blocked)
