"""All the tables of a report, in order."""

from collections.abc import Collection as Names
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from darlr.report.analysis.against_lists import against_lists_table, headline
from darlr.report.analysis.comparison import comparison_table, paper_table, rank_table
from darlr.report.analysis.costs import cost_table
from darlr.report.analysis.overview import outcomes_of, overview_table
from darlr.report.analysis.runs import Collection, Group, Repeat
from darlr.report.rendering.table import Table
from darlr.seeding import numpy_generator
from darlr.text import counted

MOST_NAMED = 6
"""Number of settings that a note names."""


@dataclass(frozen=True)
class DatasetTables:
    """The tables of a data set's runs: at the end of learning, against the best list, as published, and costs.

    Attributes:
        headline: the best method against the best fixed list, in a sentence; None if there is nothing to compare.
        comparison: the runs at the end of learning.
        against_lists: the methods against the best fixed list, or None.
        paper: the statistics of the papers.
        costs: time and memory, or None.
    """

    headline: str | None
    comparison: Table
    against_lists: Table | None
    paper: Table
    costs: Table | None


def dataset_tables(dataset: str, groups: Sequence[Group], baselines: Names[str]) -> DatasetTables:
    """Return the tables of one data set; `baselines`: the methods that the others are compared with."""
    generator = numpy_generator(0, "report", dataset)
    return DatasetTables(
        headline(dataset, groups),
        comparison_table(dataset, groups, baselines, generator),
        against_lists_table(dataset, groups),
        paper_table(dataset, groups),
        cost_table(dataset, groups),
    )


def tables_of(collection: Collection, baselines: Names[str], tuning: Mapping[str, float] | None = None) -> list[Table]:
    """Return all worlds at a glance where there are several, then up to four tables a data set; general notes below the last.

    Several data sets that were not judged on every user have mean ranks at the end instead of the first table.

    Args:
        collection: the runs.
        baselines: the methods that the others are compared with.
        tuning: the seconds that tuning took, by method, if they are known.
    """
    whole = overview_table(outcomes_of(collection.groups), tuning)
    tables: list[Table] = [] if whole is None else [whole]
    for dataset, groups in collection.groups.items():
        own = dataset_tables(dataset, groups, baselines)
        comparison = replace(own.comparison, lead=own.headline or "")
        tables += [table for table in (comparison, own.against_lists, own.paper, own.costs) if table is not None]
    if whole is None and (ranked := rank_table(collection.groups)) is not None:
        tables.append(ranked)
    return [*tables[:-1], tables[-1].with_notes(general_notes(collection))]


def repeat_notes(repeats: Sequence[Repeat]) -> list[str]:
    """Return notes on runs that lie in two folders, with an example of each kind."""
    notes = []
    if same := [repeat for repeat in repeats if repeat.same]:
        notes.append(
            f"{counted(len(same), 'folder')} left out, since the same run with the same numbers lies in another, as "
            f"{same[0].other} in {same[0].kept}."
        )
    if odd := [repeat for repeat in repeats if not repeat.same]:
        notes.append(
            f"{counted(len(odd), 'folder')} left out, though the same run in another has other numbers: {odd[0].other} is left "
            f"out, and {odd[0].kept} counts. The machine or the version may differ; `darlr compare` tells two folders apart."
        )
    return notes


def general_notes(collection: Collection) -> list[str]:
    """Return notes on the runs as a whole."""
    notes = []
    if collection.unfinished:
        verb = "is" if collection.unfinished == 1 else "are"
        notes.append(f"{counted(collection.unfinished, 'run')} {verb} not finished and left out.")
    notes += repeat_notes(collection.repeats)
    if len(collection.versions) > 1:
        notes.append(f"The runs were made by different versions of darlr: {', '.join(collection.versions)}.")
    if any(group.told for groups in collection.groups.values() for group in groups):
        notes.append("A row names the settings that tell it from others of its method, less those that most of them share.")
    settings = [run.settings for run in collection.runs()]
    if lacking := [
        key
        for key in dict.fromkeys(key for values in settings for key in values)
        if not all(key in values for values in settings)
    ]:
        named = ", ".join(lacking[:MOST_NAMED])
        others = f" and {len(lacking) - MOST_NAMED} others" if len(lacking) > MOST_NAMED else ""
        notes.append(f"Some runs were made by code without the settings {named}{others}; they are compared by all others.")
    return notes
