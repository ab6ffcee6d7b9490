"""The value of a policy, next to those of static policies that could be used instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from darlr.api.rendering import Tables, figure
from darlr.evaluation.modes import NX_0
from darlr.evaluation.table import Values, tabulated
from darlr.report.analysis.criteria import CRITERIA, judging_mode
from darlr.report.rendering.table import Cell, Quantity, Table

ORACLE = "truth_oracle"
"""The opponent that knows the truth: a bound, which no policy can reach from the log alone."""

ByMode = Mapping[str, Values]
"""mode -> metric -> value."""


@dataclass(frozen=True, repr=False)
class Evaluation(Tables):
    """The value of a policy on every user of the test world or, without a truth, on the held-out rows of the log.

    Attributes:
        name: the policy's name.
        dataset: the data set's name.
        policy: `greedy` (and `sampled`, if the policy draws its items) -> mode -> metric -> value.
        opponents: name -> mode -> metric -> value of the static policies, which act greedily.
    """

    name: str
    dataset: str
    policy: Mapping[str, ByMode]
    opponents: Mapping[str, ByMode]

    @property
    def judged_by(self) -> str:
        """Either "truth" or "held-out rows"."""
        return "truth" if self._main_mode == NX_0 else "held-out rows"

    def value(self, metric: str | None = None, mode: str | None = None, acting: str = "greedy") -> float | None:
        """Return a metric of the policy; by default the main one: the return in mode NX_0, or NDCG@10 on held-out rows."""
        chosen = mode or self._main_mode
        return self.policy[acting][chosen][metric or CRITERIA[chosen].metric.name]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain mappings."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            "judged_by": self.judged_by,
            "policy": {acting: {mode: dict(values[mode]) for mode in values} for acting, values in self.policy.items()},
            "opponents": {name: {mode: dict(values[mode]) for mode in values} for name, values in self.opponents.items()},
        }

    def to_frame(self) -> pl.DataFrame:
        """Return a frame with one row for each number: policy, acting, mode, metric, value."""
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
        """Return a table of the policy above the static policies, in the main mode."""
        mode = self._main_mode
        rows = [(f"{self.name}, {acting}", values[mode]) for acting, values in self.policy.items()]
        rows += [(name.replace("_", " "), values[mode]) for name, values in self.opponents.items()]
        metrics, criterion = tabulated(mode), CRITERIA[mode]
        cells: list[tuple[Cell, ...]] = [
            (name, *(None if (value := values.get(metric.name)) is None else Quantity(value) for metric in metrics))
            for name, values in rows
        ]
        header = ("policy", *(metric.label for metric in metrics))
        title, notes = f"{self.name} on {self.dataset}, {criterion.title}", (f"Judged on {criterion.every_user}.",)
        return (Table(title, header, tuple(cells), notes).without_empty_columns(),)

    def __repr__(self) -> str:
        mode = self._main_mode
        metric = CRITERIA[mode].metric
        others = {name: values[mode][metric.name] for name, values in self.opponents.items() if name != ORACLE}
        known = {name: value for name, value in others.items() if value is not None}
        best = max(known, key=lambda name: known[name], default=None)
        beside = "" if best is None else f"; best opponent: {best.replace('_', ' ')} {figure(known[best])}"
        return (
            f"Evaluation({self.name} on {self.dataset}, judged by {self.judged_by}: {metric.label} "
            f"{figure(self.value())}{beside})"
        )

    @property
    def _main_mode(self) -> str:
        return judging_mode([self.policy["greedy"]])
