"""What a policy is worth, beside the static policies that a user would otherwise pick."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from darlr.api.rendering import Tables, figure
from darlr.report.analysis.comparison import MAIN
from darlr.report.analysis.results import EVERY_USER, METRICS, TITLES, judged_by
from darlr.report.rendering.table import Cell, Quantity, Table

ORACLE = "truth_oracle"
"""Among the opponents, a bound that nobody reaches without the truth."""

Values = Mapping[str, Mapping[str, float | None]]
"""mode > metric -> value."""


@dataclass(frozen=True, repr=False)
class Evaluation(Tables):
    """What a policy is worth on every user of the test world, or on the held-out rows of the log where there is no truth.

    Attributes:
        name: of the policy.
        dataset: its name.
        policy: `greedy` (and `sampled`, where the policy draws its items) > mode > metric -> value.
        opponents: name > mode > metric -> value of the static policies, which act greedily.
    """

    name: str
    dataset: str
    policy: Mapping[str, Values]
    opponents: Mapping[str, Values]

    @property
    def judged_by(self) -> str:
        """ "truth" or "held-out rows"."""
        return "truth" if self._main_mode == "nx_0" else "held-out rows"

    def value(self, metric: str | None = None, mode: str | None = None, acting: str = "greedy") -> float | None:
        """A metric of the policy: by default the main one, the return in mode NX_0 or NDCG@10 on held-out rows."""
        chosen = mode or self._main_mode
        return self.policy[acting][chosen][metric or MAIN[chosen][0]]

    def to_dict(self) -> dict[str, Any]:
        """All of it, as plain mappings."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            "judged_by": self.judged_by,
            "policy": {acting: {mode: dict(values[mode]) for mode in values} for acting, values in self.policy.items()},
            "opponents": {name: {mode: dict(values[mode]) for mode in values} for name, values in self.opponents.items()},
        }

    def to_frame(self) -> pl.DataFrame:
        """One row a number: policy, acting, mode, metric, value."""
        rows = [(self.name, acting, values) for acting, values in self.policy.items()]
        rows += [(name, "greedy", values) for name, values in self.opponents.items()]
        cells = [
            (name, acting, mode, metric, value)
            for name, acting, values in rows
            for mode, metrics in values.items()
            for metric, value in metrics.items()
        ]
        return pl.DataFrame(
            cells, schema=dict.fromkeys(("policy", "acting", "mode", "metric"), pl.String) | {"value": pl.Float64}, orient="row"
        )

    def tables(self) -> tuple[Table, ...]:
        """The policy above the static policies, in the main mode."""
        mode = self._main_mode
        rows = [(f"{self.name}, {acting}", values[mode]) for acting, values in self.policy.items()]
        rows += [(name.replace("_", " "), values[mode]) for name, values in self.opponents.items()]
        kept = [metric for metric in METRICS[mode] if any(values.get(metric) is not None for _, values in rows)]
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (name, *(None if values[metric] is None else Quantity(float(values[metric])) for metric in kept))  # type: ignore[arg-type]
            for name, values in rows
        )
        header = ("policy", *(METRICS[mode][metric] for metric in kept))
        return (Table(f"{self.name} on {self.dataset}, {TITLES[mode]}", header, cells, (f"Judged on {EVERY_USER[mode]}.",)),)

    def __repr__(self) -> str:
        mode = self._main_mode
        metric = MAIN[mode][0]
        others = {name: values[mode][metric] for name, values in self.opponents.items() if name != ORACLE}
        known = {name: value for name, value in others.items() if value is not None}
        best = max(known, key=lambda name: known[name], default=None)
        beside = "" if best is None else f"; best opponent: {best.replace('_', ' ')} {figure(known[best])}"
        return (
            f"Evaluation({self.name} on {self.dataset}, judged by {self.judged_by}: {METRICS[mode][metric]} "
            f"{figure(self.value())}{beside})"
        )

    @property
    def _main_mode(self) -> str:
        return judged_by([self.policy["greedy"]])
