"""The loggers by name, their packages, and the function that opens the loggers of a run."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from darlr.errors import InputError
from darlr.run.loggers.event_files import EventFiles
from darlr.run.loggers.interface import LoggedRun, Logger
from darlr.run.loggers.mlflow_runs import MlflowRun
from darlr.run.loggers.wandb_runs import WandbRun


@dataclass(frozen=True)
class LoggerKind:
    """A logger.

    Attributes:
        label: its name in messages.
        package: the package that it needs.
        extra: the extra of darlr that installs the package.
        open: opens it for a run; raises `RunError` if nothing can be written.
    """

    label: str
    package: str
    extra: str
    open: Callable[[LoggedRun], Logger]


LOGGERS: Mapping[str, LoggerKind] = MappingProxyType(
    {
        "tensorboard": LoggerKind("TensorBoard", "tensorboard", "tb", EventFiles),
        "mlflow": LoggerKind("MLflow", "mlflow", "mlflow", MlflowRun),
        "wandb": LoggerKind("Weights & Biases", "wandb", "wandb", WandbRun),
    }
)
"""The loggers, by the name of the option of `darlr train` and of the argument of `darlr.train`."""


def wished(**options: bool) -> list[str]:
    """The loggers whose option is set; raises `InputError` for one whose package is not installed."""
    names = [name for name, chosen in options.items() if chosen]
    for kind in (LOGGERS[name] for name in names):
        try:
            import_module(kind.package)
        except ImportError as error:
            hint = f"install it with: pip install 'darlr[{kind.extra}]'"
            raise InputError(f"--{kind.package} needs {kind.label}; {hint}") from error
    return names


@contextmanager
def opened(names: Collection[str], run: LoggedRun) -> Iterator[tuple[Logger, ...]]:
    """The opened loggers with these names; when the block ends, they learn how it ended."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(LOGGERS[name].open(run)) for name in names)
