"""All the tables of a report, in order."""

from collections.abc import Collection as Names
from collections.abc import Sequence
from dataclasses import dataclass

from darlr.report.analysis.against_lists import against_lists_table
from darlr.report.analysis.comparison import comparison_table, paper_table, rank_table
from darlr.report.analysis.costs import cost_table
from darlr.report.analysis.runs import Collection, Group
from darlr.report.rendering.table import Table
from darlr.seeding import numpy_generator


@dataclass(frozen=True)
class DatasetTables:
    """What a data set's runs say: by the end of learning, against the best list, as published, and what they cost."""

    comparison: Table
    against_lists: Table | None
    paper: Table
    costs: Table | None


def dataset_tables(dataset: str, groups: Sequence[Group], baselines: Names[str]) -> DatasetTables:
    """Return the tables of one data set; `baselines`: the methods that the others are compared with."""
    generator = numpy_generator(0, "report", dataset)
    return DatasetTables(
        comparison_table(dataset, groups, baselines, generator),
        against_lists_table(dataset, groups),
        paper_table(dataset, groups),
        cost_table(dataset, groups),
    )


def tables_of(collection: Collection, baselines: Names[str]) -> list[Table]:
    """Up to four tables a data set, and the mean ranks where there are several data sets; general notes below the last."""
    tables: list[Table] = []
    for dataset, groups in collection.groups.items():
        own = dataset_tables(dataset, groups, baselines)
        tables += [table for table in (own.comparison, own.against_lists, own.paper, own.costs) if table is not None]
    if (ranked := rank_table(collection.groups)) is not None:
        tables.append(ranked)
    return [*tables[:-1], tables[-1].with_notes(general_notes(collection))]


def general_notes(collection: Collection) -> list[str]:
    """Return notes on the runs as a whole."""
    notes = []
    if collection.unfinished:
        notes.append(f"{collection.unfinished} runs are not finished and left out.")
    if len(collection.versions) > 1:
        notes.append(f"The runs were made by different versions of darlr: {', '.join(collection.versions)}.")
    if any(group.label != group.method for groups in collection.groups.values() for group in groups):
        notes.append("A row names the settings that tell it from others of its method, less those that most of them share.")
    settings = [run.settings for run in collection.runs()]
    if lacking := [
        key
        for key in dict.fromkeys(key for values in settings for key in values)
        if not all(key in values for values in settings)
    ]:
        notes.append(f"Some runs were made by code without the settings {', '.join(lacking)}; they are compared by all others.")
    return notes
