"""`darlr report`: compare finished runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from darlr.cli.files import form_of
from darlr.cli.options import option
from darlr.errors import InputError

if TYPE_CHECKING:
    from darlr.report.analysis.runs import Collection


def report(
    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, option("run folders, or folders that hold runs", "DIR", required=True)
    ],
    out: Annotated[
        Path | None,
        option(
            "write to FILE: a page with tables and pictures (.html), the tables (.md, .tex), every run's numbers (.csv), or"
            " curves by epoch (.png, .svg, .pdf)",
            "FILE",
            "print",
        ),
    ] = None,
) -> None:
    """Compare finished runs: methods over seeds with intervals, against the best baseline, published values beside ours."""
    from darlr.report.analysis.runs import collect  # noqa: PLC0415

    if not runs:
        raise InputError("no folder is given; expected run folders, or folders that hold runs, as 'runs'")
    write = _print if out is None else _writer(out)  # a name that cannot be written is refused before runs are read
    write(collect(runs))


def _print(collection: "Collection") -> None:
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.report.rendering.tables import tables_of  # noqa: PLC0415

    for table in tables_of(collection, _baselines()):
        print_table(table)


def _baselines() -> set[str]:
    from darlr.methods.registry import METHODS  # noqa: PLC0415

    return {name for name, recipe in METHODS.items() if recipe.baseline}


def _writer(path: Path) -> "Callable[[Collection], None]":
    """What makes the file, by its suffix; raises `InputError` for an unknown one."""
    from darlr.artifacts.files import write_bytes  # noqa: PLC0415
    from darlr.report.analysis.runs import to_long_csv  # noqa: PLC0415
    from darlr.report.page.page import page  # noqa: PLC0415
    from darlr.report.plots.compared_curves import compared_curves  # noqa: PLC0415
    from darlr.report.plots.curves import FORMATS, save_figure  # noqa: PLC0415
    from darlr.report.rendering.table import to_latex, to_markdown  # noqa: PLC0415
    from darlr.report.rendering.tables import tables_of  # noqa: PLC0415

    def text(write: "Callable[[Collection], str]") -> "Callable[[Collection], None]":
        return lambda collection: write_bytes(path, write(collection).encode())

    forms = {
        ".html": text(lambda collection: page(collection, _baselines())),
        ".md": text(lambda collection: "\n".join(map(to_markdown, tables_of(collection, _baselines())))),
        ".tex": text(lambda collection: "\n".join(map(to_latex, tables_of(collection, _baselines())))),
        ".csv": text(to_long_csv),
    }
    pictures = {f".{name}": lambda collection: save_figure(compared_curves(collection), path) for name in FORMATS}
    return form_of(path, {**forms, **pictures})
