"""`darlr check`: read a data set and compare it with the published figures."""

import sys
from typing import Annotated

import tyro

from darlr.cli.options import DataDir, Overrides, option
from darlr.cli.settings import settings_of
from darlr.text import visible


def check(
    dataset: Annotated[str, tyro.conf.Positional, option("data set, or a folder", "NAME")],
    overrides: Overrides = (),
    data_dir: DataDir = None,
) -> None:
    """Read a data set, validate it, and print its contents, for a known one next to the published figures."""
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.data.inspection import inspect  # noqa: PLC0415
    from darlr.methods.experiment import experiment_config  # noqa: PLC0415
    from darlr.report.rendering.table import Table  # noqa: PLC0415
    from darlr.run.selection import selection_lines  # noqa: PLC0415

    config = experiment_config(settings_of(overrides=overrides, options={"dataset": dataset}))
    found = inspect(config, data_dir, lambda text: print(visible(f"note: {text}"), file=sys.stderr))
    print_table(Table(f"{found.name}: read and valid", ("what", "value"), found.figures))
    if found.beside_published:
        print_table(Table("beside what is published", ("what", "ours", "published"), found.beside_published))
    for line in found.notes:
        print(visible(f"note: {line}"))
    for line in selection_lines(found.learned, config):
        print(visible(line))
    found.require_as_published()
