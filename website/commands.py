"""The page of all commands, from the output of `darlr COMMAND --help`."""

import contextlib
import html
import io
import os
from collections.abc import Iterator
from unittest import mock

import tyro
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File

from darlr.cli.main import COMMANDS

WIDTH = 100
"""Columns of a command's help."""

HEAD = """# Commands

This page is generated: it has what `darlr COMMAND --help` prints. [Settings](../settings.md) has every key that `--set` takes.
`darlr --version` prints the version.

| a command ends with | when |
| --- | --- |
| 0 | all went well |
| 2 | input cannot be used |
| 3 | work had to stop |
| 4 | `promote` did not move its pointer |
| 130 | it was interrupted |
"""


def pages(config: MkDocsConfig) -> Iterator[File]:
    """The page `reference/commands.md`."""
    parts = [HEAD]
    for name in COMMANDS:
        parts.append(f'## darlr {name}\n\n<pre class="help"><code>{html.escape(usage(name))}</code></pre>\n')
    yield File.generated(config, "reference/commands.md", content="\n".join(parts))


def usage(name: str) -> str:
    """The output of `darlr NAME --help`, without colours, `WIDTH` columns wide."""
    printed = io.StringIO()
    plain = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    with mock.patch.dict(os.environ, plain), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="darlr", args=[name, "--help"], sort_subcommands=False)
    return printed.getvalue().strip()
