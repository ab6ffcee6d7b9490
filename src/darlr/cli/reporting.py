"""`darlr report`: what finished runs say together."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from darlr.cli.options import option
from darlr.errors import InputError

if TYPE_CHECKING:
    from darlr.report.runs import Collection
    from darlr.report.table import Table


def report(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, option("run folders, or folders that hold runs", "DIR")],
    out: Annotated[
        Path | None,
        option(
            "write the tables to FILE (.md, .tex), every run's numbers (.csv), or curves by epoch (.png, .svg, .pdf)",
            "FILE",
            "print",
        ),
    ] = None,
) -> None:
    """Compare finished runs: methods over seeds with intervals, against the best baseline, published values beside ours."""
    from darlr.report.runs import collect  # noqa: PLC0415

    if not runs:
        raise InputError("no folder is given; expected run folders, or folders that hold runs, as 'runs'")
    write = _print if out is None else _writer(out)  # a name that cannot be written is refused before runs are read
    write(collect(runs))


def _print(collection: "Collection") -> None:
    from darlr.cli.tables import print_table  # noqa: PLC0415

    for table in tables_of(collection):
        print_table(table)


def tables_of(collection: "Collection") -> "list[Table]":
    """Two tables a data set, and the mean ranks over data sets where there are several."""
    from darlr.methods import METHODS  # noqa: PLC0415
    from darlr.report.comparison import comparison_table, paper_table, rank_table  # noqa: PLC0415
    from darlr.seeding import numpy_generator  # noqa: PLC0415

    baselines = {name for name, recipe in METHODS.items() if recipe.baseline}
    tables = []
    for dataset, groups in collection.groups.items():
        tables.append(comparison_table(dataset, groups, baselines, numpy_generator(0, "report", dataset)))
        tables.append(paper_table(dataset, groups))
    if (ranked := rank_table(collection.groups)) is not None:
        tables.append(ranked)
    return [*tables[:-1], tables[-1].with_notes(_general_notes(collection))]


def _general_notes(collection: "Collection") -> Sequence[str]:
    notes = []
    if collection.unfinished:
        notes.append(f"{collection.unfinished} runs are not finished and left out.")
    if len(collection.versions) > 1:
        notes.append(f"The runs were made by different versions of darlr: {', '.join(collection.versions)}.")
    return notes


def _writer(path: Path) -> "Callable[[Collection], None]":
    """What makes the file, by its suffix; raises `InputError` for an unknown one."""
    from darlr.artifacts.files import write_bytes  # noqa: PLC0415
    from darlr.report.compared_curves import compared_curves  # noqa: PLC0415
    from darlr.report.curves import FORMATS, save_figure  # noqa: PLC0415
    from darlr.report.runs import to_long_csv  # noqa: PLC0415
    from darlr.report.table import to_latex, to_markdown  # noqa: PLC0415

    texts: dict[str, Callable[[Collection], str]] = {
        ".md": lambda collection: "\n".join(map(to_markdown, tables_of(collection))),
        ".tex": lambda collection: "\n".join(map(to_latex, tables_of(collection))),
        ".csv": to_long_csv,
    }
    pictures = [f".{name}" for name in FORMATS]
    suffix = path.suffix.lower()
    if suffix in pictures:
        return lambda collection: save_figure(compared_curves(collection), path)
    if suffix not in texts:
        raise InputError(f"{path}: cannot write '{path.suffix}' files; expected one of {', '.join([*texts, *pictures])}")
    return lambda collection: write_bytes(path, texts[suffix](collection).encode())
