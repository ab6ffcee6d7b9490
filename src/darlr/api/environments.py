"""`darlr.make_env`: the simulator for agents from outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darlr.api.arguments import DatasetLike, gathered, placed_on
from darlr.run.environments import simulated_environment
from darlr.simulator.gym import RecommendationEnv


def make_env(
    dataset: DatasetLike,
    method: str = "darlr",
    *,
    seed: int = 0,
    out: Path | str = Path("runs"),
    data_dir: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    **sections: Any,
) -> RecommendationEnv:
    """The world in which `train` with the same arguments learns, as a gymnasium environment (docs/gymnasium.md).

    Its world model is taken from `out`, or fitted and written there.

    Raises:
        InputError: for a data set, a method or a setting that cannot be used.
    """
    values, _ = placed_on(dataset, gathered(settings, sections, {"method": method, "seed": seed}), data_dir)
    return simulated_environment(values, None if data_dir is None else Path(data_dir), Path(out))
