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
    from matplotlib.figure import Figure

    from darlr.report.analysis.runs import Collection

TEXTS = (".html", ".md", ".tex", ".csv")
"""Suffixes of files that hold no single picture."""


def report(
    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, option("run folders, or folders that hold runs", "DIR", "--worlds")
    ] = (),
    worlds: Annotated[
        Path | None,
        option(
            "in place of DIR: a YAML file of lines 'WORLD: DIR' or 'WORLD: [DIR, ...]', with names of worlds", "FILE", "none"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "write to FILE: a page with tables and pictures (.html), the tables (.md, .tex), every run's numbers (.csv), or"
            " a picture (.png, .svg, .pdf)",
            "FILE",
            "print",
        ),
    ] = None,
    plot: Annotated[
        Literal["curves", "ranks", "cost"],
        option(
            "what a picture shows: curves by epoch; the methods' mean ranks over worlds and seeds, as a critical-difference "
            "diagram; or the return against the time of a run"
        ),
    ] = "curves",
    names: Annotated[
        Path | None, option("other names of rows, a YAML file of lines 'ROW: NAME'", "FILE", "as the runs are called")
    ] = None,
    width: Annotated[
        Literal["screen", "column", "page"],
        option("of a picture: a paper's column (84 mm) or page (178 mm), a screen"),
    ] = "screen",
) -> None:
    """Compare finished runs: methods over seeds with intervals, differences to the best baseline, published values next to
    ours.
    """
    from darlr.report.analysis.runs import collect, collect_worlds, renamed  # noqa: PLC0415

    if bool(runs) == (worlds is not None):
        given = "both folders and --worlds are given" if runs else "no folder is given"
        raise InputError(f"{given}; expected run folders or folders that hold runs, for example 'runs', or --worlds FILE")
    write = _print if out is None else _writer(out, plot, width)  # what cannot be written is refused before runs are read
    if plot != "curves" and (out is None or out.suffix.lower() in TEXTS):
        raise InputError(f"--plot is '{plot}', but no picture is written; expected --out with .png, .svg or .pdf")
    called = {} if names is None else _names_in(names)
    found = collect(runs) if worlds is None else collect_worlds(_worlds_in(worlds))
    write(renamed(found, called, str(names)))


def _worlds_in(file: Path) -> dict[str, list[Path]]:
    """Read the folders of each world; those that are not absolute are relative to the file's folder."""
    from darlr.config.yaml_text import read_yaml  # noqa: PLC0415

    worlds = {}
    for world, value in read_yaml(file).items():
        folders = value if isinstance(value, list) else [value]
        if not isinstance(world, str) or not world.strip() or not folders or not all(isinstance(each, str) for each in folders):
            raise InputError(
                f"{file}: world {brief(world)} has {brief(value)}; expected a name, and a folder or a list of them"
            )
        worlds[world] = [file.parent / folder for folder in folders]
    if not worlds:
        raise InputError(f"{file}: names no world; expected lines 'WORLD: DIR'")
    return worlds


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


def _picture(collection: "Collection", plot: str, width: str) -> "Figure":
    from darlr.report.analysis.overview import outcomes_of  # noqa: PLC0415
    from darlr.report.analysis.ranking import ranking_of  # noqa: PLC0415
    from darlr.report.plots.compared_curves import compared_curves  # noqa: PLC0415
    from darlr.report.plots.cost import cost_figure  # noqa: PLC0415
    from darlr.report.plots.critical_difference import critical_difference  # noqa: PLC0415

    if plot == "curves":
        return compared_curves(collection, width)
    outcomes = outcomes_of(collection.groups)
    return cost_figure(outcomes, width) if plot == "cost" else critical_difference(ranking_of(outcomes), width)


def _writer(path: Path, plot: str, width: str) -> "Callable[[Collection], None]":
    """Return the function that writes the file, by its suffix; raises `InputError` for an unknown one."""
    from darlr.artifacts.files import write_bytes  # noqa: PLC0415
    from darlr.report.analysis.runs import to_long_csv  # noqa: PLC0415
    from darlr.report.page.page import page  # noqa: PLC0415
    from darlr.report.plots.curves import FORMATS, save_figure  # noqa: PLC0415
    from darlr.report.rendering.table import to_latex, to_markdown  # noqa: PLC0415
    from darlr.report.rendering.tables import tables_of  # noqa: PLC0415

    def text(write: "Callable[[Collection], str]") -> "Callable[[Collection], None]":
        return lambda collection: write_bytes(path, write(collection).encode())

    texts = {
        ".html": text(lambda collection: page(collection, _baselines())),
        ".md": text(lambda collection: "\n".join(map(to_markdown, tables_of(collection, _baselines())))),
        ".tex": text(lambda collection: "\n".join(map(to_latex, tables_of(collection, _baselines())))),
        ".csv": text(to_long_csv),
    }
    pictures = {f".{name}": lambda collection: save_figure(_picture(collection, plot, width), path) for name in FORMATS}
    return form_of(path, {**texts, **pictures})
