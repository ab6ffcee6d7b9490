"""Options that several commands share, and how options are described."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from darlr.errors import InputError


def option(help: str, metavar: str | None = None, default: str | None = None, required: bool = False) -> Any:  # noqa: A002
    """An option; `default` says in words what happens without it, and one that is `required` says that."""
    hint = "(required)" if required else None if default is None else f"(default: {default})"
    return tyro.conf.arg(metavar=metavar, help=help, help_behavior_hint=hint)


def _read_whole(words: list[str]) -> int:
    try:
        return int(words[0])
    except ValueError:
        raise ValueError(f"'{words[0]}' is no whole number") from None


WHOLE = PrimitiveConstructorSpec(
    nargs=1,
    metavar="INT",
    instance_from_str=_read_whole,
    is_instance=lambda value: value is None or isinstance(value, int),
    str_from_instance=lambda value: [str(value)],
)
DataDir = Annotated[Path | None, option("data sets' folder", "FOLDER", "$DARLR_DATA, else the user's cache")]
Device = Annotated[Literal["auto", "cpu", "cuda"], option("where to compute; auto takes a GPU if there is one")]
Threads = Annotated[int, WHOLE, option("CPU threads; one a process is fastest on a busy machine")]
Workers = Annotated[int | None, WHOLE, option("processes at a time, of one thread each", default="as many as cores")]
Out = Annotated[Path, option("where results go", "FOLDER")]
Overrides = Annotated[
    tuple[str, ...],
    tyro.conf.arg(name="set", metavar="KEY=VALUE", help="set a config key, as a2c.discount=0.95"),
    tyro.conf.UseAppendAction,
]
RunPath = Annotated[Path, tyro.conf.Positional, option("a run folder", "RUN")]


def processes_of(workers: int | None) -> int:
    """How many processes `--workers` asks for: without it, as many as this process may use cores."""
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers < 1:
        raise InputError(f"--workers is {workers}; expected at least 1")
    return workers
