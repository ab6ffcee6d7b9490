"""`darlr config`: every setting of a run, its value, its origin, and its limits."""

import json
from pathlib import Path
from typing import Annotated, Literal

import tyro

from darlr.cli.options import DataDir, DatasetName, MethodName, Overrides, option
from darlr.cli.settings import settings_of


def config(
    method: MethodName = None,
    dataset: DatasetName = None,
    config: Annotated[Path | None, option("settings in YAML", "FILE", "none")] = None,
    overrides: Overrides = (),
    section: Annotated[str | None, option("show this part alone, as a2c", "NAME", "all of them")] = None,
    format: Annotated[Literal["table", "json"], option("of what is printed")] = "table",  # noqa: A002
    schema: Annotated[bool, option("print a JSON schema of settings files, for editors"), tyro.conf.FlagCreatePairsOff] = False,
    reference: Annotated[
        bool, option("print every setting with its default as a Markdown page"), tyro.conf.FlagCreatePairsOff
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Show every setting of a run: its value, its origin, its limits, and its meaning."""
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.data.registry import load  # noqa: PLC0415
    from darlr.errors import unknown  # noqa: PLC0415
    from darlr.methods.experiment import experiment_config  # noqa: PLC0415
    from darlr.report.rendering.table import Table  # noqa: PLC0415
    from darlr.run.explaining import explain, json_schema, reference_page  # noqa: PLC0415

    if schema:
        print(json.dumps(json_schema(), indent=2))
        return
    if reference:
        print(reference_page(), end="")
        return
    values = settings_of(config, overrides, {"dataset": dataset, "method": method})
    asked = experiment_config(values)
    entries = explain(values, load(asked, data_dir))
    if section is not None:
        sections = {entry.key.partition(".")[0] for entry in entries}
        if section not in sections:
            raise unknown("section", section, sections)
        entries = [entry for entry in entries if entry.key.partition(".")[0] == section]
    if format == "json":
        print(json.dumps([vars(entry) for entry in entries], indent=2))
        return
    rows = tuple((entry.key, json.dumps(entry.value), entry.origin, entry.limits, entry.doc) for entry in entries)
    title = f"settings of {asked.method} on {asked.dataset}"
    print_table(Table(title, ("key", "value", "from", "may be", "what"), rows))
