"""The entry point `darlr`: it prints an error as one line, and ends with the error's exit code."""

import errno
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import tyro

from darlr._version import __version__
from darlr.cli.card import card
from darlr.cli.check import check
from darlr.cli.compare import compare
from darlr.cli.complete import complete
from darlr.cli.config import config
from darlr.cli.datasets import datasets
from darlr.cli.evaluate import evaluate
from darlr.cli.export import export
from darlr.cli.fetch import fetch
from darlr.cli.generate import generate
from darlr.cli.promote import promote
from darlr.cli.recommend import recommend
from darlr.cli.report import report
from darlr.cli.serve import serve
from darlr.cli.sweep import sweep
from darlr.cli.terminal.pipes import end_with_reader, requiring_output
from darlr.cli.train import train
from darlr.cli.tune import tune
from darlr.cli.validate import validate
from darlr.errors import DarlrError, RunError, out_of_memory, unknown
from darlr.text import message

COMMANDS: dict[str, Callable[..., Any]] = {
    "train": train,
    "sweep": sweep,
    "tune": tune,
    "report": report,
    "compare": compare,
    "card": card,
    "config": config,
    "evaluate": evaluate,
    "validate": validate,
    "recommend": recommend,
    "promote": promote,
    "export": export,
    "serve": serve,
    "datasets": datasets,
    "fetch": fetch,
    "check": check,
    "complete": complete,
    "generate": generate,
}
OPTIONS = ("--help", "-h", "--version", "--tyro-print-completion", "--tyro-write-completion")
"""Options in the place of a command; the last two print completions for shells."""
INTERRUPTED = 130
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE)
"""The errors of a stream without a name, for example standard error on a full disk."""
GOES_ON = {
    **dict.fromkeys(
        ("train", "sweep", "tune"), "the last finished epoch, or within a world model's fit from its last half minute"
    ),
    "fetch": "the bytes received",
}


def main() -> None:
    """Run the command that the arguments name; exit codes: 2 bad input, 3 failure, 4 not promoted, 130 interrupted."""
    end_with_reader()
    try:
        with requiring_output():
            _run(sys.argv[1:])
    except DarlrError as error:
        _refuse(str(error), error.exit_code)
    except KeyboardInterrupt:
        place = GOES_ON.get(sys.argv[1] if len(sys.argv) > 1 else "")
        hint = f"; the same command goes on from {place}" if place else ""
        _refuse(f"interrupted{hint}", INTERRUPTED)
    except OSError as error:
        if error.filename is None and error.errno not in NO_ROOM:
            raise
        place = "what is told to the terminal or a file" if error.filename is None else error.filename
        _refuse(f"{place}: {error.strerror}", RunError.exit_code)
    except Exception as error:
        if (refusal := out_of_memory(error)) is None:
            raise
        _refuse(str(refusal), refusal.exit_code)


def _refuse(text: str, code: int) -> NoReturn:
    try:
        print(f"darlr: {message(text)}", file=sys.stderr, flush=True)
    except OSError:  # standard error cannot be written either: the exit code says the rest
        sys.stderr = None
    sys.exit(code)


def _run(arguments: list[str]) -> None:
    """Run the command that `arguments` name; ends the process after help and for invalid options."""
    if arguments == ["--version"]:
        print(f"darlr {__version__}")
        return
    if arguments and arguments[0].partition("=")[0] not in (*COMMANDS, *OPTIONS):
        if arguments[0].startswith("-"):
            raise unknown("option", arguments[0], OPTIONS)
        raise unknown("command", arguments[0], COMMANDS)
    tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="darlr",
        description="Learn what to recommend from logged feedback, with a learned model of the users."
        " `darlr --version` prints the version.",
        args=arguments,
        sort_subcommands=False,
    )


if __name__ == "__main__":
    main()
