"""Tables on standard output and in files; loads nothing heavy."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from darlr.errors import InputError
from darlr.report.rendering.table import Table, to_csv, to_markdown, to_rich

WIDTH_WITHOUT_TERMINAL = 160


def print_table(table: Table) -> None:
    """Print a table on standard output; without a terminal it is as wide as its content needs."""
    Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL).print(to_rich(table))


def table_writer(path: Path) -> Callable[[Table, Mapping[str, Any]], None]:
    """A function that writes a table as CSV or Markdown, or its raw values as JSON, by the suffix of `path`."""
    from darlr.artifacts.files import encode_json, write_bytes  # noqa: PLC0415

    encoders: dict[str, Callable[[Table, Mapping[str, Any]], str]] = {
        ".csv": lambda table, values: to_csv(table),
        ".md": lambda table, values: to_markdown(table),
        ".json": lambda table, values: encode_json(dict(values), str(path), indent=2) + "\n",
    }
    encode = encoders.get(path.suffix.lower())
    if encode is None:
        raise InputError(f"{path}: cannot write '{path.suffix}' files; expected one of {', '.join(encoders)}")
    return lambda table, values: write_bytes(path, encode(table, values).encode())
