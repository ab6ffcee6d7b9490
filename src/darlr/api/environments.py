"""`darlr.make_env`: the simulator for agents from outside."""

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
    """The world in which `train` with the same arguments learns, as a gymnasium environment (docs/gymnasium.md).

    Its world model is taken from `out`, or fitted and written there.

    Args:
        num_envs: so many users at a time, as a gymnasium VectorEnv; None: one user, as an Env.
        world: "true" plays in the test world instead, for evaluation alone.
        on_blocked: what happens when an item is recommended that may not be: the episode ends unpaid, or it is refused.

    Raises:
        InputError: for a data set, a method or a setting that cannot be used.
    """
    values, loaded = placed_on(dataset, gathered(settings, sections, {"method": method, "seed": seed}), data_dir)
    return environment_of(values, loaded, Path(out), num_envs, world, on_blocked)
