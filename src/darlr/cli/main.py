"""The entry point `darlr`: one line for a refusal, its exit code, and nothing half-written."""

import sys
from collections.abc import Callable
from typing import Any

import tyro

from darlr.cli.commands import check, complete, datasets, evaluate, fetch, recommend, train
from darlr.cli.comparing import compare
from darlr.cli.config import config
from darlr.cli.pipes import end_with_reader
from darlr.cli.reporting import report
from darlr.cli.sweeping import sweep
from darlr.cli.tuning import tune
from darlr.errors import DarlrError

COMMANDS: dict[str, Callable[..., Any]] = {
    "train": train,
    "sweep": sweep,
    "tune": tune,
    "report": report,
    "compare": compare,
    "config": config,
    "evaluate": evaluate,
    "recommend": recommend,
    "datasets": datasets,
    "fetch": fetch,
    "check": check,
    "complete": complete,
}
INTERRUPTED = 130
GOES_ON = {**dict.fromkeys(("train", "sweep", "tune"), "the last finished epoch"), "fetch": "the bytes received"}


def main() -> None:
    """Run the command that the arguments name; exit codes: 2 bad input, 3 failure while running, 130 interrupted."""
    end_with_reader()
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="darlr",
            description="Learn what to recommend from logged feedback, with a learned model of the users.",
            sort_subcommands=False,
        )
    except DarlrError as error:
        print(f"darlr: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        place = GOES_ON.get(sys.argv[1] if len(sys.argv) > 1 else "")
        hint = f"; the same command goes on from {place}" if place else ""
        print(f"darlr: interrupted{hint}", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
