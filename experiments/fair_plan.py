"""The plan of a fair table: methods, worlds and schedules, read from YAML (`experiments/fair.yaml` is one)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from darlr.config.loading import merge
from darlr.config.yaml_text import read_yaml
from darlr.data.registry import SOURCES, data_directory
from darlr.data.source import Source
from darlr.errors import InputError, unknown
from darlr.methods.experiment import experiment_config
from darlr.text import brief

KEYS = ("seeds", "methods", "untuned", "trials", "worlds")
OPTIONAL_KEYS = ("own", "settings", "tuning")
WORLD_KEYS = ("tuning_epochs", "epochs", "settings")
OPTIONAL_WORLD_KEYS = ("dataset",)


@dataclass(frozen=True)
class PlannedWorld:
    """A world of the table: a data set, and how everything is trained there.

    Attributes:
        name: the heading of its column, and part of file names.
        dataset: the data set.
        tuning_epochs: the epochs of a trial.
        epochs: the epochs of a run of the table.
        settings: nested settings of all its runs, those of the whole plan included.
    """

    name: str
    dataset: str
    tuning_epochs: int
    epochs: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """The methods, worlds and budget of a table.

    Attributes:
        path: the plan's file.
        seeds: the seeds of every method.
        methods: the methods that are tuned.
        untuned: the methods that learn from the truth, so that nothing may be chosen by their results.
        own: settings of single methods, in every world.
        trials: how many settings are tried for a method; with fewer than two, none is tuned.
        tuning: settings of trials alone.
        worlds: the worlds.
    """

    path: Path
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    untuned: tuple[str, ...]
    own: Mapping[str, Mapping[str, Any]]
    trials: int
    tuning: Mapping[str, Any]
    worlds: tuple[PlannedWorld, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the plan.

        Raises:
            InputError: naming the file, and the key that is missing, unknown or of another kind.
        """
        content = read_yaml(path)
        _require_keys(content, KEYS, f"{path}", OPTIONAL_KEYS)
        for key in ("seeds", "methods", "untuned"):
            _require(content[key], list, f"{path}: '{key}'", "a list")
        for key in OPTIONAL_KEYS:
            _require(content.get(key, {}), dict, f"{path}: '{key}'", "a mapping")
        _require_whole(content["trials"], 0, f"{path}: 'trials'")
        _require(content["worlds"], dict, f"{path}: 'worlds'", "a mapping from worlds to schedules")
        shared = content.get("settings", {})
        return cls(
            path=path,
            seeds=tuple(content["seeds"]),
            methods=tuple(content["methods"]),
            untuned=tuple(content["untuned"]),
            own=content.get("own", {}),
            trials=content["trials"],
            tuning=content.get("tuning", {}),
            worlds=tuple(_world(name, entry, shared, path) for name, entry in content["worlds"].items()),
        )

    @property
    def tunes(self) -> bool:
        """Whether settings are searched: a single trial would be the method's own settings."""
        return self.trials > 1

    def start(self, world: PlannedWorld, method: str) -> dict[str, Any]:
        """Return the settings of a method before tuning."""
        return merge(world.settings, self.own.get(method, {}))

    def trial(self, world: PlannedWorld, method: str) -> dict[str, Any]:
        """Return the settings that all trials of a method share, without their epochs."""
        return merge(self.start(world, method), self.tuning)


def present_worlds(plan: Plan) -> tuple[list[PlannedWorld], dict[str, str]]:
    """Return the worlds whose data are there, and for each other one a line that says what is missing.

    Raises:
        InputError: if no world is left.
    """
    found: list[PlannedWorld] = []
    absent: dict[str, str] = {}
    for world in plan.worlds:
        if missing := _missing_files(world):
            absent[world.name] = (
                f"{world.name}: left out, since {', '.join(missing)} of '{world.dataset}' cannot be found (`darlr datasets` "
                "tells where to get it)."
            )
        else:
            found.append(world)
    if not found:
        raise InputError(f"{plan.path}: no world has its files; {' '.join(absent.values())}")
    return found, absent


def _missing_files(world: PlannedWorld) -> Sequence[str]:
    """Return the files that a data set known by name lacks; any other fault shows when the data set is read."""
    source: Source | None = SOURCES.get(world.dataset)
    if source is None:
        return ()
    directory = data_directory(None)
    config = experiment_config(merge(world.settings, {"dataset": world.dataset}))
    try:
        source.require_files(config.data, directory / source.folder)
    except InputError:
        return source.missing(directory)
    return ()


def _world(name: Any, entry: Any, shared: Mapping[str, Any], path: Path) -> PlannedWorld:
    place = f"{path}: world {brief(name)}"
    if not isinstance(name, str) or not name.strip() or Path(name).name != name:
        raise InputError(f"{place}: cannot be part of a file's name; expected such a name, with the folder under 'dataset'")
    _require_keys(entry, WORLD_KEYS, place, OPTIONAL_WORLD_KEYS)
    for key in ("tuning_epochs", "epochs"):
        _require_whole(entry[key], 1, f"{place}: '{key}'")
    _require(entry["settings"], dict, f"{place}: 'settings'", "a mapping")
    dataset = entry.get("dataset", name)
    _require(dataset, str, f"{place}: 'dataset'", "a name or a folder")
    return PlannedWorld(name, dataset, entry["tuning_epochs"], entry["epochs"], merge(shared, entry["settings"]))


def _require(value: Any, kind: type, place: str, expected: str) -> None:
    if not isinstance(value, kind):
        raise InputError(f"{place} is {brief(value)}; expected {expected}")


def _require_whole(value: Any, least: int, place: str) -> None:
    if type(value) is not int or value < least:
        raise InputError(f"{place} is {brief(value)}; expected a whole number of at least {least}")


def _require_keys(content: Any, keys: tuple[str, ...], place: str, optional: tuple[str, ...]) -> None:
    _require(content, dict, f"{place}:", f"a mapping with {', '.join(keys)}")
    for key in content:
        if key not in (*keys, *optional):
            raise InputError(f"{place}: {unknown('key', str(key), (*keys, *optional))}")
    for key in keys:
        if key not in content:
            raise InputError(f"{place}: '{key}' is missing; expected {', '.join(keys)}")
