"""`darlr.validate`: does a judge of policies agree with the truth?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darlr.api.arguments import DatasetLike, gathered, placed_on
from darlr.api.monitors import listening
from darlr.api.rendering import Tables, figure
from darlr.evaluation.agreement import Validation as Judges
from darlr.report.analysis.validation import judge_label, validation_table
from darlr.report.rendering.table import Table
from darlr.run.devices import device_named
from darlr.run.training import Monitor
from darlr.run.validation import validate_on


@dataclass(frozen=True, repr=False)
class Validation(Tables):
    """A test of judges: how each ranks policies of different quality, made from a log alone, next to their true returns.

    Attributes:
        judges: the whole result: `agreements` by judge, and the values that each judge gave.
    """

    judges: Judges

    @property
    def taus(self) -> dict[str, float]:
        """Judge -> Kendall's tau-b with the true returns, the greatest first; a judge that gives all policies one value is
        left out.
        """
        known = {judge: found.tau for judge, found in self.judges.agreements.items() if not math.isnan(found.tau)}
        return dict(sorted(known.items(), key=lambda entry: -entry[1]))

    @property
    def best(self) -> str:
        """The judge with the greatest tau. A name ending in `/estimated` uses estimated propensities although the log has
        its own.
        """
        return next(iter(self.taus))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain mappings, as in `validation.json`."""
        return self.judges.to_dict()

    def tables(self) -> tuple[Table, ...]:
        """Return the table of judges."""
        return (validation_table(self.judges),)

    def __repr__(self) -> str:
        best = next(iter(self.taus.items()), None)
        told = "no judge tells policies apart" if best is None else f"best judge: {judge_label(best[0])}, tau {figure(best[1])}"
        return f"Validation({len(self.judges.truth)} policies on {self.judges.dataset}; {told})"


def validate(
    dataset: DatasetLike,
    *,
    seed: int = 0,
    out: Path | str = Path("runs"),
    device: str = "auto",
    data_dir: Path | str | None = None,
    monitor: Monitor | None = None,
    progress: bool = False,
    settings: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Validation:
    """Rank policies by simulator, referee, held-out rows and every off-policy estimator, and compare each ranking with the
    truth.

    Args:
        dataset: a data set with a truth, as `darlr.train` takes it. The policies are made from its log alone, with short
            schedules.
        seed: the seed of all random numbers.
        out: the folder of world models; the next call takes them from there.
        device, data_dir, monitor, progress: as in `darlr.train`.
        settings, sections: any settings but the method: training={"epochs": 3}.

    Raises:
        InputError: for a data set without a truth, for a method, and for settings that cannot be used.
    """
    values = gathered(settings, sections, {"seed": seed})
    with listening(monitor, progress) as listener:
        placed, loaded = placed_on(dataset, values, data_dir, listener.notice)
        return Validation(validate_on(loaded, placed, Path(out), device_named(device), listener))
