"""A finished run, for users of the Python API."""

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
    """The result of `darlr.train`, in a run folder.

    Attributes:
        path: the run folder.
        dataset: the data set of the training; None for a run that was opened from disk.
        notices: notices from the training, for example of settings without effect or of missing data.
    """

    path: Path
    dataset: Dataset | None = None
    notices: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the finished run in a run folder.

        Raises:
            InputError: if there is none.
        """
        folder = RunFolder.open(Path(path))
        if not folder.has_json(SUMMARY):
            raise InputError(f"{path}: this run is not finished; train it again with the same settings to go on with it")
        return cls(folder.path)

    @property
    def config(self) -> dict[str, Any]:
        """All settings, as nested mappings."""
        return self._folder.config()

    @property
    def summary(self) -> dict[str, Any]:
        """mode -> policy -> metric -> statistic -> mean, std; also `every_user`, `opponents`, `seconds` and others
        (docs/metrics.md).
        """
        return read_summary(self._folder)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One record for each epoch, oldest first; names are `mode/policy/metric`."""
        return self._folder.metrics()

    @property
    def opponents(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """name -> mode -> metric -> value of the static policies, on every user of the test world."""
        found: dict[str, dict[str, dict[str, float | None]]] = self.summary.get("opponents", {})
        return found

    def recommender(self, device: str = "cpu") -> Recommender:
        """Return the policy (from the epoch that did best in the simulator), ready to serve."""
        return Recommender.load(self.path, device_named(device))

    def evaluate(self, dataset: Dataset | str | Path | None = None, **options: Any) -> Evaluation:
        """Call `darlr.evaluate(run, dataset, ...)`; without a data set, on the one that the run was trained on."""
        return evaluate_run(self.path, self.dataset if dataset is None else dataset, **options)

    def results(self) -> tuple[Table, ...]:
        """Return tables of the results in every statistic, and of the opponents."""
        return end_of_run([self.summary], self._dataset_name, self.config["method"])

    def card(self) -> str:
        """The model card in Markdown: data, settings, judge, limits, cost, licence."""
        return model_card(self.path)

    def tables(self) -> tuple[Table, ...]:
        """Return the tables of results, with the notices from the training."""
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
