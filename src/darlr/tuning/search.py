"""The search by Optuna: a study on disk that proposes settings (TPE) and decides which trials to stop early (median rule).

Every proposal has its own random generator, derived from the study's seed and the trial's number, and depends otherwise on
the results of earlier trials alone. So a stopped study continues with the same trials.
"""

import json
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from darlr.errors import InputError
from darlr.seeding import derive_seed
from darlr.tuning.space import Choices, Range, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

RANDOM_TRIALS = 5
"""The number of trials before the sampler learns from them, and before the median rule stops one."""
WARM_UP = 0.2
"""The share of the epochs in which no trial is stopped."""

State = Literal["begun", "finished", "pruned", "failed"]


def require_optuna() -> None:
    """Raise `InputError` if Optuna is not installed."""
    try:
        import optuna  # noqa: F401, PLC0415
    except ImportError as error:
        raise InputError("`darlr tune` needs Optuna; install it with: pip install 'darlr[tune]'") from error


class Search:
    """The study in the file `file`, which is made if it does not exist. One process at a time may work on it."""

    def __init__(self, file: Path, space: Space, seed: int, epochs: int) -> None:
        """
        Args:
            file: the study.
            space: the search space.
            seed: the seed of the search.
            epochs: number of epochs of a whole trial.

        Raises:
            InputError: for a file that is not a study.
        """
        import optuna  # noqa: PLC0415
        import sqlalchemy.exc  # noqa: PLC0415

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self._optuna, self._space, self._seed, self._epochs = optuna, space, seed, epochs
        try:
            self._storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
            self._study = optuna.create_study(
                storage=self._storage, study_name="darlr", direction="maximize", load_if_exists=True
            )
        except (sqlalchemy.exc.SQLAlchemyError, RuntimeError) as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise InputError(f"{file}: cannot be gone on with ({reason}); delete its folder to start afresh") from error
        self._pruner = optuna.pruners.MedianPruner(RANDOM_TRIALS, n_warmup_steps=math.ceil(WARM_UP * epochs) + 1)
        self._distributions = {key: _distribution(dimension) for key, dimension in space.dimensions.items()}

    def __len__(self) -> int:
        """Return the number of trials, including waiting ones."""
        return len(self._study.get_trials(deepcopy=False))

    def propose(self, points: Iterable[Mapping[str, Any]]) -> None:
        """Try `points` next, unless they were tried before."""
        for point in points:
            self._study.enqueue_trial({key: _encoded(value) for key, value in point.items()}, skip_if_exists=True)

    def begin(self, number: int) -> None:
        """Begin the trial `number`, counted from 0, if it has not begun; all trials before it have."""
        begun = [trial for trial in self._study.get_trials(deepcopy=False) if not _waits(trial)]
        if number < len(begun):
            return
        seed = derive_seed(self._seed, "tune", str(number)) % 2**32
        self._study.sampler = self._optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS)
        self._study.ask(self._distributions)

    def point(self, number: int) -> dict[str, Any]:
        """Return the settings of a trial that has begun, by dotted key."""
        parameters = self._trial(number).params
        return {key: _decoded(parameters[key], dimension) for key, dimension in self._space.dimensions.items()}

    def state(self, number: int) -> State:
        """Return the state of a trial that has begun."""
        states: dict[str, State] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        return states.get(self._trial(number).state.name, "begun")

    def value(self, number: int) -> float | None:
        """Return the measure of a finished trial; None for others."""
        trial = self._trial(number)
        return trial.value if trial.state.name == "COMPLETE" else None

    def notes(self, number: int) -> dict[str, Any]:
        """Return the notes on the trial."""
        return dict(self._trial(number).user_attrs)

    def note(self, number: int, **notes: Any) -> None:
        """Store `notes`, JSON values, with the trial."""
        for name, value in notes.items():
            self._storage.set_trial_user_attr(self._id(number), name, value)

    def gives_up(self, number: int, curve: Sequence[float]) -> bool:
        """Return whether to stop the trial, whose measure so far was `curve`, epoch by epoch.

        It is stopped once its best value is below the median of the finished trials' values after the same number of
        epochs. Each epoch is decided once.
        """
        if self.notes(number).get("pruned"):
            return True
        for epoch, value in enumerate(curve, start=1):
            if epoch in self._trial(number).intermediate_values:
                continue
            self._storage.set_trial_intermediate_value(self._id(number), epoch, value)
            if epoch < self._epochs and self._pruner.prune(self._study, self._trial(number)):
                self.note(number, pruned=True)
                return True
        return False

    def end(self, number: int, state: State, value: float | None = None) -> None:
        """End the trial as `finished` with `value`, `pruned` or `failed`."""
        states = self._optuna.trial.TrialState
        if state == "finished":
            self._study.tell(number, value)
        else:
            self._study.tell(number, state=states.PRUNED if state == "pruned" else states.FAIL)

    def _trial(self, number: int) -> "FrozenTrial":
        return self._study.get_trials(deepcopy=False)[number]

    def _id(self, number: int) -> int:
        study = self._storage.get_study_id_from_name(self._study.study_name)
        return self._storage.get_trial_id_from_study_id_trial_number(study, number)


def _waits(trial: "FrozenTrial") -> bool:
    return trial.state.name == "WAITING"


def _distribution(dimension: Range | Choices) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: PLC0415

    if isinstance(dimension, Choices):
        return CategoricalDistribution([_encoded(value) for value in dimension.values])
    if isinstance(dimension.low, int):
        return IntDistribution(dimension.low, int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _encoded(value: Any) -> Any:
    """Return a value that Optuna can store: a list becomes text."""
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _decoded(value: Any, dimension: Range | Choices) -> Any:
    """Return the setting; numbers of a range are rounded to four digits, which is fine enough for a search."""
    if isinstance(dimension, Choices):
        chosen = next(choice for choice in dimension.values if _encoded(choice) == value)
        return list(chosen) if isinstance(chosen, tuple) else chosen
    if isinstance(value, int):
        return value
    return min(max(float(f"{value:.4g}"), dimension.low), dimension.high)
