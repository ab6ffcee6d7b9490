"""A finished run in a user's hands."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from darlr.api.dataset import Dataset
from darlr.api.evaluation import Evaluation
from darlr.api.judging import evaluate_run
from darlr.api.rendering import Tables, figure
from darlr.artifacts import RunFolder
from darlr.artifacts.run_folder import SUMMARY
from darlr.errors import InputError
from darlr.evaluation.finished import read_summary
from darlr.report.analysis.criteria import CRITERIA, judging_mode, statistic_of
from darlr.report.analysis.results import end_of_run
from darlr.report.analysis.runs import name_of_dataset
from darlr.report.rendering.table import Table
from darlr.run.card import model_card
from darlr.run.devices import device_named
from darlr.serving.recommender import Recommender


@dataclass(frozen=True, repr=False)
class Run(Tables):
    """What `darlr.train` left behind in a run folder.

    Attributes:
        path: the run folder.
        dataset: what it was trained on; None for a run that was opened from disk.
        notices: what was said while it was trained: weights without effect, data that lack something.
    """

    path: Path
    dataset: Dataset | None = None
    notices: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """The finished run in a run folder; raises `InputError` if there is none."""
        folder = RunFolder.open(Path(path))
        if not folder.has_json(SUMMARY):
            raise InputError(f"{path}: this run is not finished; train it again with the same settings to go on with it")
        return cls(folder.path)

    @property
    def config(self) -> dict[str, Any]:
        """Every setting, as nested mappings."""
        return self._folder.config()

    @property
    def summary(self) -> dict[str, Any]:
        """mode > policy > metric > statistic > mean, std; `every_user`, `opponents`, `seconds`, ... (docs/metrics.md)."""
        return read_summary(self._folder)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One record an epoch, oldest first; names are `mode/policy/metric`."""
        return self._folder.metrics()

    @property
    def opponents(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """name > mode > metric of the static policies, on every user of the test world."""
        found: dict[str, dict[str, dict[str, float | None]]] = self.summary.get("opponents", {})
        return found

    def recommender(self, device: str = "cpu") -> Recommender:
        """The policy (the epoch that did best in the simulator), ready to serve."""
        return Recommender.load(self.path, device_named(device))

    def evaluate(self, dataset: Dataset | str | Path | None = None, **options: Any) -> Evaluation:
        """`darlr.evaluate(run, dataset, ...)`, on the data set that it was trained on if none is given."""
        return evaluate_run(self.path, self.dataset if dataset is None else dataset, **options)

    def results(self) -> tuple[Table, ...]:
        """Results in every statistic, and the opponents beside."""
        return end_of_run([self.summary], self._dataset_name, self.config["method"])

    def card(self) -> str:
        """The model card in Markdown: data, settings, judge, limits, cost, licence."""
        return model_card(self.path)

    def tables(self) -> tuple[Table, ...]:
        """The results, with what was said while the run was trained."""
        results, *others = self.results()
        return results.with_notes([f"note: {text}" for text in self.notices]), *others

    def __repr__(self) -> str:
        config, summary = self.config, self.summary
        mode = judging_mode([summary])
        metric, policy = CRITERIA[mode].metric, CRITERIA[mode].policy
        value: Mapping[str, Any] = statistic_of(summary, mode, policy, metric, "last20")
        everyone = summary.get("every_user", {}).get(mode, {}).get(metric.name)
        return (
            f"Run({config['method']} on {self._dataset_name}, seed {config['seed']}, {summary['epochs']} epochs: "
            f"{metric.label} {figure(value.get('mean'))} {policy} (last 20% of epochs), {figure(everyone)} on every user; "
            f"{self.path})"
        )

    @property
    def _dataset_name(self) -> str:
        return name_of_dataset(self.path, self.config["dataset"])

    @property
    def _folder(self) -> RunFolder:
        return RunFolder.open(self.path)
