"""Work on a study: trials are proposed four at a time, trained by the sweep's processes, and measured.

A trial is one run for each seed. The first seed's run may be stopped early; the others are trained only if it is not.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from darlr.artifacts import RunFolder
from darlr.artifacts.locks import sole_writer
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.run.resolution import resolve
from darlr.seeding import numpy_generator
from darlr.sweep.plan import Cell, cell_of
from darlr.sweep.running import Executor, Outcome, Watcher, run_cells
from darlr.tuning.design import Design
from darlr.tuning.measure import RANKING, UnrankedError, final_measure, measured, ranking
from darlr.tuning.search import Search
from darlr.tuning.trials import Trial, write_results

TOGETHER = 4
"""The number of trials proposed at a time, whatever the number of processes, so that the trials do not depend on it."""
STUDY = "study.db"


class TuningWatcher(Watcher, Protocol):
    """Is told about a study's progress, including its runs."""

    def notice(self, text: str) -> None:
        """Called with a line for the user."""

    def begin(self, cells: Sequence[Cell]) -> None:
        """Called with the next runs."""

    def tried(self, trial: Trial) -> None:
        """Called with a trial that has ended, now or before."""


def tune(
    design: Design,
    loaded: LoadedDataset,
    trials: int,
    executor: Executor,
    out: Path,
    watcher: TuningWatcher,
) -> list[Trial]:
    """Run the study's first `trials` trials, or continue them, and return them by number; fewer if the space has fewer points.

    The results are written into the study's folder after every few trials (`write_results`). A trial that stopped for a
    transient reason (`Outcome.transient`) stays unfinished: the same call continues it.

    Raises:
        InputError: for a study file or a trial's run folder that cannot be used.
    """
    folder = design.folder(out)
    with sole_writer(folder / STUDY, lambda: watcher.notice("another process works on the same study: waiting for it")):
        search = Search(folder / STUDY, design.space, design.seeds[0], design.epochs)
        total = _proposed(search, design, trials)
        done: list[Trial] = []
        for start in range(0, total, TOGETHER):
            numbers = range(start, min(start + TOGETHER, total))
            for number in numbers:
                search.begin(number)
            batch = _Batch(search, design, loaded, out, executor, watcher)
            batch.work([number for number in numbers if search.state(number) == "begun"])
            for number in numbers:
                done.append(_trial(search, number))
                watcher.tried(done[-1])
            write_results(folder, design, trials, done)
    return done


def _proposed(search: Search, design: Design, trials: int) -> int:
    """Propose the study's first settings, and return the number of trials.

    The first trial has the method's own settings, if they lie in the space. If a space has no more points than there are
    trials, all of it is tried, in a random order.
    """
    space = design.space
    own = space.point_of(design.config)
    search.propose([] if own is None else [own])
    if space.size > trials:
        return trials
    points = list(space.points())
    order = numpy_generator(design.seeds[0], "tune", "points").permutation(len(points))
    search.propose([points[index] for index in order])
    return min(trials, len(search))


def _trial(search: Search, number: int) -> Trial:
    notes = search.notes(number)
    return Trial(
        number=number + 1,
        settings=search.point(number),
        state=search.state(number),
        value=search.value(number),
        epochs=notes.get("epochs", 0),
        seconds=notes.get("seconds", 0.0),
        runs=tuple(notes.get("runs", ())),
        error=notes.get("error"),
    )


class _Batch:
    """Trials that are trained at the same time; a watcher of their runs, which stops those that the search gives up."""

    def __init__(
        self, search: Search, design: Design, loaded: LoadedDataset, out: Path, executor: Executor, watcher: TuningWatcher
    ) -> None:
        self._search, self._design, self._loaded, self._out = search, design, loaded, out
        self._executor, self._watcher = executor, watcher
        self._trials: dict[Path, list[int]] = {}  # two trials may be the same run
        self._errors: dict[int, str] = {}
        self._unended: set[int] = set()
        self._pruned: set[int] = set()

    def work(self, numbers: Sequence[int]) -> None:
        """Train the trials `numbers`, and report their ends to the search."""
        first, *others = self._design.seeds
        self._work(numbers, [first])
        self._work([number for number in numbers if self._goes_on(number)], others)
        for number in numbers:
            self._tell(number)

    def started(self, cell: Cell) -> None:
        self._watcher.started(cell)

    def event(self, cell: Cell, event: Mapping[str, Any]) -> bool:
        self._watcher.event(cell, event)
        return event["event"] == "trained" and self._given_up(cell)

    def put_back(self, cell: Cell, reason: str) -> None:
        self._watcher.put_back(cell, reason)

    def ended(self, outcome: Outcome) -> None:
        self._watcher.ended(outcome)
        for number in self._trials[outcome.cell.run] if outcome.error is not None else ():
            self._errors[number] = outcome.error or ""
            if outcome.transient:
                self._unended.add(number)

    def tick(self) -> None:
        self._watcher.tick()

    def _goes_on(self, number: int) -> bool:
        return number not in self._errors and number not in self._pruned

    def _work(self, numbers: Sequence[int], seeds: Sequence[int]) -> None:
        cells: dict[Path, Cell] = {}
        for seed in seeds:
            for number in numbers:
                values = self._design.trial(self._search.point(number), seed)
                try:
                    resolve(values, self._loaded)
                except InputError as error:  # settings that contradict each other
                    self._errors[number] = str(error)
                    continue
                # A refused folder is not the trial's fault; once it is repaired, the same call continues.
                cell = cell_of(f"trial {number + 1} seed {seed}", values, self._loaded, self._out)
                cells.setdefault(cell.run, cell)
                self._trials.setdefault(cell.run, []).append(number)
        waiting = [cell for cell in cells.values() if not (cell.begun and self._given_up(cell)) and not cell.finished]
        self._watcher.begin(waiting)
        if waiting:
            run_cells(waiting, self._executor, self)

    def _given_up(self, cell: Cell) -> bool:
        """Return whether no trial needs more of the run, because all of them were given up."""
        if not self._design.pruning or cell.config.seed != self._design.seeds[0]:
            return False
        curve = measured(RunFolder.open(cell.run).metrics(), self._design.measure)
        trials = self._trials[cell.run]
        self._pruned.update(number for number in trials if self._search.gives_up(number, curve))
        return self._pruned.issuperset(trials)

    def _tell(self, number: int) -> None:
        runs = [run for run, numbers in self._trials.items() if number in numbers]
        records = [record for run in runs if run.is_dir() for record in RunFolder.open(run).metrics()]
        seconds = sum(value for record in records for name, value in record.items() if name.startswith("seconds/"))
        self._search.note(number, epochs=len(records), seconds=seconds, runs=[str(run) for run in runs], error=None)
        if number in self._pruned:
            self._search.end(number, "pruned")
        elif number in self._unended:
            self._search.note(number, error=self._errors[number])
        elif number in self._errors:
            self._fail(number, self._errors[number])
        else:
            try:
                value = fmean(map(self._measured, runs))
            except UnrankedError as error:
                self._fail(number, str(error))
            else:
                self._search.end(number, "finished", value)

    def _fail(self, number: int, error: str) -> None:
        self._search.note(number, error=error)
        self._search.end(number, "failed")

    def _measured(self, run: Path) -> float:
        return ranking(run) if self._design.measure == RANKING else final_measure(run, self._design.measure)
