"""Finished runs, read from their folders and grouped: runs that differ in their seed alone form a group."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from darlr.artifacts import RunFolder
from darlr.artifacts.beginning import CONFIG, WARM_START
from darlr.artifacts.run_folder import SUMMARY
from darlr.artifacts.schema import Keys, require, text, whole
from darlr.errors import InputError, unknown
from darlr.evaluation.finished import read_summary
from darlr.evaluation.modes import NX_0, RECORDED_MODES
from darlr.evaluation.user_returns import USER_RETURNS, Returns, read_user_returns
from darlr.reading import is_folder, present
from darlr.text import brief, csv_text

IDENTITY = ("dataset", "method", "seed")
WORLD = ("synthetic.users", "synthetic.items", "synthetic.seed", "synthetic.leave", "leave.by")
"""The settings that choose a generated world, or the game that is played in a world; other ones choose a log or a method."""
CONFIG_SHAPE = Keys({"dataset": text, "method": text, "seed": whole()})
READING = ("data.", "synthetic.")
"""Settings that choose how a named data set is read, or generated."""
WORLD_MODELS = "world-models"
"""A folder of this name lies beside the methods' folders in a data set's folder."""
DIGITS = 12  # of a file's hash


@dataclass(frozen=True)
class FinishedRun:
    """The parts of a run that reports need.

    Attributes:
        path: the run folder.
        dataset: the data set's name, with a distinction from others of that name in the same report.
        method: the method's name.
        seed: the seed.
        settings: every other setting, by dotted key, and the run that this run started from, if any.
        data: the hashes of the data's files, by name.
        summary: the summary of `darlr.evaluation.summary.summarise`, with `opponents`.
        version: the darlr version that began the run.
    """

    path: Path
    dataset: str
    method: str
    seed: int
    settings: Mapping[str, Any]
    data: Mapping[str, str]
    summary: Mapping[str, Any]
    version: str

    @cached_property
    def by_user(self) -> tuple[list[str], Returns] | None:
        """Users and their returns from the policy and from every list, read once; None for a run without this file."""
        path = self.path / USER_RETURNS
        return read_user_returns(path) if path.exists() else None


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed alone, by ascending seed.

    Attributes:
        label: the row's name: the method and `told`, or a name given by the user.
        told: the settings that distinguish the group from others of its method and data set, without those that it shares
            with more than
            half of them; "" for the plain one.
    """

    label: str
    runs: tuple[FinishedRun, ...]
    told: str = ""

    @property
    def method(self) -> str:
        """The method."""
        return self.runs[0].method

    @property
    def summaries(self) -> list[Mapping[str, Any]]:
        """The summaries of the runs."""
        return [run.summary for run in self.runs]


@dataclass(frozen=True)
class Repeat:
    """A run that lies in two folders.

    Attributes:
        kept: the folder whose numbers count.
        other: the other folder.
        same: whether both have the same numbers.
    """

    kept: Path
    other: Path
    same: bool


@dataclass(frozen=True)
class Collection:
    """The groups of every data set, in order of appearance.

    Attributes:
        groups: by name of the data set.
        unfinished: number of runs that are not finished.
        repeats: runs that lie in two folders.
    """

    groups: Mapping[str, tuple[Group, ...]]
    unfinished: int
    repeats: tuple[Repeat, ...] = ()

    @property
    def versions(self) -> list[str]:
        """The versions of darlr that the runs were begun with."""
        return sorted({run.version for run in self.runs()})

    def runs(self) -> Iterator[FinishedRun]:
        """Every run."""
        return (run for groups in self.groups.values() for group in groups for run in group.runs)


def collect(places: Sequence[Path]) -> Collection:
    """Return the finished runs in `places`: run folders, or folders that hold some at any depth.

    A run that lies in several folders counts once, with the numbers that were found first.

    Raises:
        InputError: naming a place that does not exist or has no finished run, and a folder that is no run.
    """
    runs, unfinished = _found(places)
    return _collection(list(runs.values()), unfinished)


def collect_worlds(worlds: Mapping[str, Sequence[Path]]) -> Collection:
    """Return the finished runs in the places of each world, whose names take the place of the data sets' names.

    Raises:
        InputError: as `collect`, and for a run that belongs to two worlds.
    """
    runs: dict[Path, FinishedRun] = {}
    unfinished: set[Path] = set()
    for world, places in worlds.items():
        own, begun = _found(places)
        if twice := [path for path in own if path in runs]:
            raise InputError(f"{twice[0]}: belongs to the worlds '{runs[twice[0]].dataset}' and '{world}'; expected one")
        runs |= {path: replace(run, dataset=world) for path, run in own.items()}
        unfinished |= begun
    return _collection(list(runs.values()), unfinished)


def _found(places: Sequence[Path]) -> tuple[dict[Path, FinishedRun], set[Path]]:
    """Return the finished runs in `places` by their folders, and the folders of unfinished ones."""
    runs: dict[Path, FinishedRun] = {}
    unfinished: set[Path] = set()
    for place in places:
        if not is_folder(place):
            what = "is no folder" if present(place) else "no such folder"
            raise InputError(f"{place}: {what}; expected a run or a folder with runs")
        folders = sorted(file.parent for file in place.rglob("config.yaml"))
        for path in folders:
            folder = RunFolder.open(path)
            if folder.has_json(SUMMARY):
                runs[path.resolve()] = _read(folder)
            else:
                unfinished.add(path.resolve())
        if not any(path.resolve() in runs for path in folders):
            begun = f" ({len(folders)} begun)" if folders else ""
            raise InputError(
                f"{place}: no finished run in it{begun}; expected folders with summary.json, as `darlr train` leaves them"
            )
    return runs, unfinished


def _collection(runs: Sequence[FinishedRun], unfinished: set[Path]) -> Collection:
    groups, repeats = _grouped(_with_distinct_datasets(runs))
    return Collection(groups, len(unfinished), tuple(repeats))


def renamed(collection: Collection, names: Mapping[str, str], source: str) -> Collection:
    """Rename rows of the collection.

    Args:
        collection: the runs.
        names: maps a row's name, as reports show it, to its new name.
        source: of the names, for messages.

    Raises:
        InputError: for a row that no data set has, and if two rows of a data set would have one name.
    """
    labels = {group.label for groups in collection.groups.values() for group in groups}
    if strangers := [label for label in names if label not in labels]:
        raise InputError(f"{source}: {unknown('row', strangers[0], labels)}")
    groups = {}
    for dataset, own in collection.groups.items():
        groups[dataset] = tuple(replace(group, label=names.get(group.label, group.label)) for group in own)
        given = [group.label for group in groups[dataset]]
        if twice := [label for label in given if given.count(label) > 1]:
            raise InputError(f"{source}: two rows of {dataset} are called {brief(twice[0])}; expected a name for each")
    return replace(collection, groups=groups)


def to_long_csv(collection: Collection) -> str:
    """Return one line for every run, policy, metric and statistic, with full precision."""
    rows: list[Sequence[Any]] = [
        ("dataset", "method", "settings", "seed", "mode", "policy", "metric", "statistic", "mean", "std", "run")
    ]
    for dataset, groups in collection.groups.items():
        for group in groups:
            for run in group.runs:
                identity = (dataset, run.method, group.told, run.seed)
                rows += [(*identity, *row, str(run.path)) for row in _statistics(run.summary)]
    return csv_text(rows)


def _statistics(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, float | None, float | None]]:
    """Yield mode, policy, metric, statistic, mean and deviation of everything in a summary."""
    for mode, policies in summary.items():
        if mode not in RECORDED_MODES:
            continue
        for policy, metrics in policies.items():
            for metric, statistics in metrics.items():
                for statistic, value in statistics.items():
                    yield mode, policy, metric, statistic, value["mean"], value["std"]


def _read(folder: RunFolder) -> FinishedRun:
    settings, summary, environment = folder.config(), read_summary(folder), folder.environment()
    require(settings, CONFIG_SHAPE, str(folder.path / CONFIG))
    config = _flat(settings)
    return FinishedRun(
        path=folder.path,
        dataset=name_of_dataset(folder.path, config["dataset"]),
        method=config["method"],
        seed=config["seed"],
        settings={key: value for key, value in config.items() if key not in IDENTITY}
        | ({WARM_START: environment[WARM_START]["fingerprint"]} if WARM_START in environment else {}),
        data=environment.get("data", {}),
        summary=summary,
        version=environment["darlr"],
    )


def name_of_dataset(run: Path, setting: str) -> str:
    """Return the data set's name; a `dataset.yaml` may give another one than the folder's, which only the run's place shows."""
    home = run.resolve().parents[1]
    return home.name if (home / WORLD_MODELS).is_dir() else Path(setting).name


def _with_distinct_datasets(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """Return the runs with names of data sets that only comparable runs share.

    Runs without a truth get another name than those with one. Runs whose data's files differ, or whose generated worlds do,
    also get different names.
    """
    runs = _with_worlds(runs)
    known = {run.dataset for run in runs if NX_0 in run.summary}
    named = [
        replace(run, dataset=f"{run.dataset} without its truth") if run.dataset in known and NX_0 not in run.summary else run
        for run in runs
    ]
    files = {
        name: _distinguishing_files([run for run in named if run.dataset == name]) for name in {run.dataset for run in named}
    }
    return [replace(run, dataset=_with_hashes(run, files[run.dataset])) for run in named]


def _with_worlds(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """Return the runs, with the settings that distinguish generated worlds in the names of their data sets."""
    values: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        for key, value in run.settings.items():
            if key in WORLD:
                values.setdefault((run.dataset, key), set()).add(repr(value))
    named = []
    for run in runs:
        own = [f"{key}={value}" for key, value in run.settings.items() if len(values.get((run.dataset, key), ())) > 1]
        named.append(replace(run, dataset=f"{run.dataset} ({', '.join(own)})") if own else run)
    return named


def _distinguishing_files(runs: Sequence[FinishedRun]) -> list[str]:
    """Return the fewest files whose hashes distinguish the data of `runs`; none if all have the same data.

    Hashes that differ with the settings of `READING` do not count: such runs are rows of one data set, named by these settings.
    """
    hashes: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        reading = repr([(key, value) for key, value in run.settings.items() if key.startswith(READING)])
        for file, found in run.data.items():
            hashes.setdefault((file, reading), set()).add(found)
    chosen: list[str] = []
    for file in dict.fromkeys(file for (file, _), found in hashes.items() if len(found) > 1):
        kinds, finer = ({tuple(map(run.data.get, files)) for run in runs} for files in (chosen, [*chosen, file]))
        if len(finer) > len(kinds):
            chosen.append(file)
    return chosen


def _with_hashes(run: FinishedRun, files: Sequence[str]) -> str:
    """Return the data set's name, and the first digits of the hashes of those `files` that the run's data have."""
    named = [f"{file} with SHA-256 {run.data[file][:DIGITS]}..." for file in files if file in run.data]
    return f"{run.dataset} ({', '.join(named)})" if named else run.dataset


def _grouped(runs: Iterable[FinishedRun]) -> tuple[dict[str, tuple[Group, ...]], list[Repeat]]:
    """Return groups by data set, and the runs that were left out because they also lie in another folder."""
    repeats = []
    datasets: dict[str, dict[str, list[list[FinishedRun]]]] = {}
    for run in runs:
        groups = datasets.setdefault(run.dataset, {}).setdefault(run.method, [])
        group = next((group for group in groups if group[0].settings == run.settings), None)
        if group is None:
            groups.append([run])
            continue
        if (kept := next((other for other in group if other.seed == run.seed), None)) is not None:
            repeats.append(Repeat(kept.path, run.path, _numbers(kept.summary) == _numbers(run.summary)))
            continue
        group.append(run)
    grouped = {
        dataset: tuple(group for method, groups in methods.items() for group in _labelled(method, groups))
        for dataset, methods in datasets.items()
    }
    return grouped, repeats


def _numbers(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a summary that describe the policy, without those that depend on the machine."""
    return {mode: summary[mode] for mode in RECORDED_MODES if mode in summary}


def _labelled(method: str, groups: Sequence[Sequence[FinishedRun]]) -> list[Group]:
    settings = [group[0].settings for group in groups]
    differing = differing_keys(settings)
    # Keys that some runs lack, for example those of another version, distinguish groups only if no other key does.
    shared = [key for key in differing if all(key in values for values in settings)]
    distinct = len({repr([values[key] for key in shared]) for values in settings}) == len(settings)
    keys = shared if distinct else differing
    ordered = sorted(groups, key=lambda group: [order(group[0].settings.get(key)) for key in keys])
    texts = {key: [str(group[0].settings.get(key, "absent")) for group in ordered] for key in keys}
    usual = {key: text for key in keys for text in texts[key] if 2 * texts[key].count(text) > len(ordered)}
    told = [
        " ".join(f"{key}={texts[key][place]}" for key in keys if texts[key][place] != usual.get(key))
        for place in range(len(ordered))
    ]
    return [
        Group(f"{method} {text}".rstrip(), tuple(sorted(group, key=lambda run: run.seed)), text)
        for text, group in zip(told, ordered, strict=True)
    ]


def differing_keys(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys that not all `settings` have with the same value."""
    keys = dict.fromkeys(key for values in settings for key in values)
    return [key for key in keys if any(key not in values or values[key] != settings[0].get(key) for values in settings)]


def order(value: Any) -> tuple[float, str]:
    """Return a sort key for settings: numbers by size, before everything else."""
    return (float(value), "") if isinstance(value, int | float) else (math.inf, str(value))


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
