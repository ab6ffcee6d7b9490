"""`darlr compare`: two runs, or two groups of runs, side by side."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from darlr.cli.files import form_of
from darlr.cli.options import option

if TYPE_CHECKING:
    from darlr.report.rendering.table import Table

PLACE = "a run folder, its name without '-s<seed>' for all its seeds, or a folder whose runs differ in their seed alone"


def compare(
    a: Annotated[Path, tyro.conf.Positional, option(PLACE, "A")],
    b: Annotated[Path, tyro.conf.Positional, option("the same, to compare with A", "B")],
    out: Annotated[
        Path | None, option("write the tables to FILE (.md, .tex), or the results alone (.csv)", "FILE", "print")
    ] = None,
) -> None:
    """Compare two runs, or two groups of runs over seeds: settings, data, environment, and results with intervals."""
    from darlr.api.comparison import compare as compared  # noqa: PLC0415

    write = _print if out is None else _writer(out)  # a name that cannot be written is refused before runs are read
    write(*compared(a, b).tables())


def _print(differing: "Table", results: "Table") -> None:
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415

    print_table(differing)
    print_table(results)


def _writer(path: Path) -> "Callable[[Table, Table], None]":
    """Return the function that writes the file, by its suffix; raises `InputError` for an unknown one."""
    from darlr.artifacts.files import write_bytes  # noqa: PLC0415
    from darlr.report.rendering.table import to_csv, to_latex, to_markdown  # noqa: PLC0415

    texts: dict[str, Callable[[Table, Table], str]] = {
        ".md": lambda differing, results: f"{to_markdown(differing)}\n{to_markdown(results)}",
        ".tex": lambda differing, results: f"{to_latex(differing)}\n{to_latex(results)}",
        ".csv": lambda differing, results: to_csv(results),
    }
    text = form_of(path, texts)
    return lambda differing, results: write_bytes(path, text(differing, results).encode())
