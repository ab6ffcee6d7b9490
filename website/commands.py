"""The page of all commands, from the output of `darlr COMMAND --help`."""

import contextlib
import html
import io
import os
from unittest import mock

import tyro

from darlr.cli.main import COMMANDS

WIDTH = 100
"""Columns of a command's help."""

PAGE = "reference/commands.md"
MARK = "<!-- the help of all commands -->"


def filled(markdown: str, site_uri: str) -> str:
    """The `markdown` of the page at `site_uri`, with the help of all commands where the page of commands has its mark."""
    if site_uri != PAGE:
        return markdown
    parts = [f'## darlr {name}\n\n<pre class="help"><code>{html.escape(usage(name))}</code></pre>\n' for name in COMMANDS]
    return markdown.replace(MARK, "\n".join(parts))


def usage(name: str) -> str:
    """The output of `darlr NAME --help`, without colours, `WIDTH` columns wide."""
    printed = io.StringIO()
    plain = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    with mock.patch.dict(os.environ, plain), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="darlr", args=[name, "--help"], sort_subcommands=False)
    return printed.getvalue().strip()
