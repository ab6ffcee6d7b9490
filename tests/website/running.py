"""Runs the blocks of one page in the working directory: `python -m tests.website.running`, with the blocks as JSON on stdin.

Lines of shell that begin with `darlr` are called in this process, so that torch is loaded once. They are made short: a schedule
that the page leaves open is a few steps long. `RUN` stands for the run that was finished last.
"""

import json
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from darlr.cli.main import main

SHORT = {
    "training.steps_per_epoch": "300",
    "training.environments": "20",
    "evaluation.episodes": "10",
    "world_model.max_epochs": "2",
    "world_model.members": "2",
    "offline.updates_per_epoch": "20",
    "offline.batch_size": "64",
}
"""Settings of the commands that train, where the page gives none."""
SMALL = {"synthetic.users": "60", "synthetic.items": "50"}
"""Those of the built-in world, where no other data set is named."""
TRAIN = {"train", "tune"}


def shortened(words: list[str]) -> list[str]:
    """The `words` of a command that trains, with a short schedule where it gives none."""
    if words[0] not in TRAIN:
        return words
    given = {pair.partition("=")[0] for option, pair in pairwise(words) if option == "--set"}
    if "--warm-start" in words:  # its settings are those of the run that it starts from
        return words
    short = SHORT if "--dataset" in words else SHORT | SMALL
    added = [word for key, value in short.items() if key not in given for word in ("--set", f"{key}={value}")]
    return [*words, *added, *([] if "--epochs" in words else ["--epochs", "1"])]


def newest() -> str:
    """The folder of the run that was finished last."""
    return str(max(Path("runs").rglob("summary.json"), key=lambda file: file.stat().st_mtime_ns).parent)


def words_of(line: str) -> list[str]:
    """The words of a command's `line` after `darlr`: without its comment, with RUN and patterns filled in."""
    found: list[str] = []
    for word in shlex.split(line, comments=True)[1:]:
        if word == "RUN":
            found.append(newest())
        else:
            found += sorted(map(str, Path().glob(word))) if "*" in word else [word]
    return found


def run_shell(text: str) -> None:
    """Run each command of a shell block; one that fails ends the process."""
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith("darlr "):
            subprocess.run(["bash", "-euo", "pipefail", "-c", line], check=True)
            continue
        sys.argv = ["darlr", *shortened(words_of(line))]
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                sys.exit(f"{line}: exit code {ended.code}")


def run(blocks: list[tuple[str, str]]) -> None:
    """Run `blocks` (language, text) in their order; those of Python share their names."""
    names: dict[str, object] = {"__name__": "page"}
    for language, text in blocks:
        if language == "python":
            exec(compile(text, "<block>", "exec"), names)
        else:
            run_shell(text)


if __name__ == "__main__":
    run(json.loads(sys.stdin.read()))
