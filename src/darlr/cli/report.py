"""`darlr report`: compare finished runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from darlr.cli.files import form_of
from darlr.cli.options import option
from darlr.errors import InputError
from darlr.text import brief

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
    names: Annotated[
        Path | None, option("other names of rows, a YAML file of lines 'ROW: NAME'", "FILE", "as the runs are called")
    ] = None,
    width: Annotated[
        Literal["screen", "column", "page"],
        option("of curves by epoch: a paper's column (84 mm) or page (178 mm), a screen"),
    ] = "screen",
) -> None:
    """Compare finished runs: methods over seeds with intervals, differences to the best baseline, published values next to
    ours.
    """
    from darlr.report.analysis.runs import collect, renamed  # noqa: PLC0415

    if not runs:
        raise InputError("no folder is given; expected run folders, or folders that hold runs, for example 'runs'")
    write = _print if out is None else _writer(out, width)  # a name that cannot be written is refused before runs are read
    called = {} if names is None else _names_in(names)
    write(renamed(collect(runs), called, str(names)))


def _names_in(file: Path) -> dict[str, str]:
    from darlr.config.yaml_text import read_yaml  # noqa: PLC0415

    values = read_yaml(file)
    for row, name in values.items():
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{file}: the name of row {brief(row)} is {brief(name)}; expected text")
    return values


def _print(collection: "Collection") -> None:
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.report.rendering.tables import tables_of  # noqa: PLC0415

    for table in tables_of(collection, _baselines()):
        print_table(table)


def _baselines() -> set[str]:
    from darlr.methods.registry import METHODS  # noqa: PLC0415

    return {name for name, recipe in METHODS.items() if recipe.baseline}


def _writer(path: Path, width: str) -> "Callable[[Collection], None]":
    """Return the function that writes the file, by its suffix; raises `InputError` for an unknown one."""
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
    pictures = {f".{name}": lambda collection: save_figure(compared_curves(collection, width), path) for name in FORMATS}
    return form_of(path, {**forms, **pictures})
