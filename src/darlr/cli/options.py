"""Options that several commands share, and how options are described."""

import os
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from darlr.config.constraints import require_between
from darlr.config.experiment import ExperimentConfig
from darlr.text import brief, visible

MOST_WORKERS = 1_024


def option(
    help: str,  # noqa: A002
    metavar: str | None = None,
    default: str | None = None,
    required: bool = False,
    names: Callable[[], Iterable[str]] | None = None,
) -> Any:
    """An option.

    Args:
        default: says in words what happens without it.
        required: whether there is nothing without it.
        names: what it may be; asked when help is printed.
    """
    without = "required" if required else "" if default is None else f"default: {default}"
    if names is None:
        return tyro.conf.arg(metavar=metavar, help=help, help_behavior_hint=f"({without})" if without else None)
    return tyro.conf.arg(metavar=metavar, help=help, help_behavior_hint=lambda _: f"({', '.join(names())}; {without})")


def _methods() -> Iterable[str]:
    from darlr.methods.registry import METHODS  # noqa: PLC0415 (imports torch)

    return METHODS


def _datasets() -> Iterable[str]:
    from darlr.data.registry import SOURCES  # noqa: PLC0415 (loads what installed packages add, and torch with it)

    return SOURCES


def _read_whole(words: list[str]) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", words[0]):
        raise ValueError(f"{visible(brief(words[0]))} is no whole number of at most 18 digits")
    return int(words[0])


def _read_count(words: list[str]) -> int:
    if not re.fullmatch(r"[0-9]{1,18}|[0-9]{1,4}(\.[0-9]{1,8})?[eE]\+?[0-9]{1,2}", words[0]):
        raise ValueError(f"{visible(brief(words[0]))} is no whole number, as 1000000 or 1e6")
    number = Decimal(words[0])
    if number != int(number):
        raise ValueError(f"{visible(brief(words[0]))} is no whole number")
    return int(number)


def _integer(metavar: str, read: Callable[[list[str]], int]) -> PrimitiveConstructorSpec[int]:
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=read,
        is_instance=lambda value: value is None or isinstance(value, int),
        str_from_instance=lambda value: [str(value)],
    )


WHOLE = _integer("INT", _read_whole)
COUNT = _integer("N", _read_count)
"""A whole number that may be written as 1e6."""
DatasetName = Annotated[str | None, option("data set, or a folder", "NAME", ExperimentConfig.dataset, names=_datasets)]
MethodName = Annotated[str | None, option("method", "NAME", ExperimentConfig.method, names=_methods)]
DataDir = Annotated[Path | None, option("data sets' folder", "FOLDER", "$DARLR_DATA, else the user's cache")]
MovedTo = Annotated[
    Path | None, option("where the run's data set lies by now, if its folder was moved", "FOLDER", "where it was read")
]
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
    require_between("--workers", workers, 1, MOST_WORKERS)
    return workers
