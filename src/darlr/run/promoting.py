"""Moving the pointer to the run that serves, if the new run is not worse than the one that serves now.

Both policies are judged on the same rows of the new run's log, from which neither has learned. The first measure that
supports both values decides. The off-policy estimators come first, the most trusted at the head, then NDCG@10 on held-out
rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.agents.acting import Scorer
from darlr.agents.translated import TranslatedScorer
from darlr.artifacts import RunFolder
from darlr.artifacts.locks import sole_writer
from darlr.artifacts.pointer import Pointer
from darlr.artifacts.run_folder import SUMMARY
from darlr.data.dataset import Dataset
from darlr.data.log import Ids, InteractionLog
from darlr.data.names import found
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.evaluation.held_out import held_out_rows, ranked_lists
from darlr.evaluation.non_inferiority import Difference
from darlr.evaluation.off_policy.estimating import CANNOT_BE_TOLD, judge
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.evaluation.off_policy.evidence import evidence_of
from darlr.evaluation.off_policy.intervals import bootstrap_by_user
from darlr.evaluation.off_policy.terms import Terms
from darlr.evaluation.ranked_lists import ndcg
from darlr.evaluation.table import NDCG
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.comparing_logs import LEAST_AGREEMENT, agreement, knows_better, served_estimates
from darlr.run.evaluating import OpenedRun, newer_rows
from darlr.run.history import load_history
from darlr.run.saved import SavedPolicy, fingerprint
from darlr.run.specification import SpecifiedRun, held_out_alike
from darlr.run.worlds import lookback_of
from darlr.seeding import numpy_generator
from darlr.world.window import Window
from darlr.world.world import ABSENT, World

MARGIN = 0.05
"""The tolerated loss of a new policy, as a share of the served one's value."""
NEW, SERVED = "new", "served"


@dataclass(frozen=True)
class Promotion:
    """The result of a promotion.

    Attributes:
        pointer: the pointer's file.
        run: the new run.
        outcome: "moved", "kept" if it already pointed to the run, or "refused".
        why: a line of explanation.
        difference: the measured difference; None if nothing was measured.
    """

    pointer: Path
    run: Path
    outcome: Literal["moved", "kept", "refused"]
    why: str
    difference: Difference | None = None

    @property
    def moved(self) -> bool:
        """Whether the pointer was moved."""
        return self.outcome == "moved"


def promote_run(
    run: Path,
    pointer: Path,
    log_folder: Path | None,
    margin: float,
    note: str | None,
    seed: int,
    data_dir: Path | None,
    device: torch.device,
    notice: Callable[[str], None],
    loaded: LoadedDataset | None = None,
) -> Promotion:
    """Point `pointer` to `run` if it is not worse than the run that serves now; the first run needs no comparison.

    One process at a time moves a pointer. Another one waits (`notice` gets a line), and its run is then compared with the
    one that serves by then.

    Args:
        run: the new run's folder.
        pointer: the pointer's file.
        log_folder: a log in the folder format, newer than both runs, which judges; None: the rows held out of the new run's
            log.
        margin: the tolerated loss, as a share of the served policy's value.
        note: why it is moved without a judge; None: a judge decides.
        seed: the seed of the resamples and of the fitted logging policy.
        data_dir: the folder of data sets.
        device: the device that computes.
        notice: is called with lines for the user.
        loaded: the new run's data set, if it cannot be found by name.

    Raises:
        InputError: for a run that is not finished or damaged, a pointer whose run is gone, data that changed since the new
            run, and a log that cannot judge.
        RunError: if the pointer cannot be written.
    """
    if not 0 <= margin <= 1:
        raise InputError(f"the margin is {margin:g}; expected a share, 0 to 1")
    if note is not None and not note.strip():
        raise InputError("a promotion is forced without a note; expected why, in a few words")
    folder = RunFolder.open(run)
    if not folder.has_json(SUMMARY):
        raise InputError(f"{folder.path}: this run is not finished; expected a finished one")
    folder.read_summary()
    saved = SavedPolicy(folder, device)
    with sole_writer(pointer, lambda: notice(f"{pointer}: another process is moving it: waiting for it")):
        before = Pointer.read(pointer)
        difference = None
        if note is not None:
            why = note.strip()
        elif (served := before.run) is None:
            why = "the first run"
        elif served.resolve() == folder.path.resolve():
            return Promotion(pointer, folder.path, "kept", "serves already")
        else:
            opened = OpenedRun.of(folder.path, data_dir, device, loaded)
            answer = _compare(opened, served, log_folder, seed, data_dir)
            if isinstance(answer, str):
                return Promotion(pointer, folder.path, "refused", answer)
            difference, why = answer, answer.line(margin)
            if difference.outcome(margin) != "not worse":
                return Promotion(pointer, folder.path, "refused", why, difference)
        saved.network(saved.world_users[:1])  # a policy that cannot be built cannot serve
        now = datetime.now(UTC).isoformat(timespec="seconds")
        before.moved(folder.path, fingerprint(folder), now, why, note is not None)
    return Promotion(pointer, folder.path, "moved", why, difference)


def _compare(new: OpenedRun, served: Path, log_folder: Path | None, seed: int, data_dir: Path | None) -> Difference | str:
    """Compare the two policies on rows from which neither has learned; return a line if that is not possible."""
    config, device = new.saved.config, new.device
    specified = SpecifiedRun.with_config(config, new.loaded)
    dataset = specified.dataset
    rival = SavedPolicy(RunFolder.open(served), device)
    if rival.reward_range != dataset.paid_range:
        (low, high), (now_low, now_high) = rival.reward_range, dataset.paid_range
        return (
            f"{served} has rewards of {low:g}..{high:g} and {new.path} of {now_low:g}..{now_high:g}, so nothing compares them"
        )
    columns = _columns(dataset, rival)
    if (columns == ABSENT).all():
        return f"{served} knows none of the items of {new.path}, so nothing compares them"
    if log_folder is not None:
        judging, _ = newer_rows(log_folder, dataset.log)
    elif specified.held_out is None:
        raise InputError(
            f"{new.path}: its data set has a truth, so no rows are held out; expected a log to judge by, with --log"
        )
    else:
        judging = specified.held_out
    if log_folder is None and (line := _contradiction(new, served, rival)) is not None:
        return line
    known = [Pairs.of(dataset.log)] if log_folder is not None else []
    if log_folder is not None or not held_out_alike(config, rival.config):
        known.append(_pairs_of(served, rival, data_dir, device))
    unseen = unseen_rows(judging, dataset.log, known)
    if not unseen.any():
        return (
            f"whether it is worse {CANNOT_BE_TOLD}: one of the two runs may have learned from each row that could judge; "
            "needed: runs with 'evaluation.split=pair' and the same seed, or a newer log, with --log"
        )
    return _measured(new, rival, dataset, judging.rows(unseen), columns, seed)


def _contradiction(new: OpenedRun, served: Path, rival: SavedPolicy) -> str | None:
    """Return why the log of the new run cannot have grown out of the served run's log; None if it can."""
    kept = load_history(RunFolder.open(served), len(rival.user_ids), len(rival.item_ids))
    together = 1.0 if kept is None else agreement(new.loaded.dataset.log, rival, kept.history)
    if together >= LEAST_AGREEMENT:
        return None
    return (
        f"whether it is worse {CANNOT_BE_TOLD}: the pairs that both runs' logs have are rated otherwise in that of {new.path} "
        f"(correlation {together:.2f}); needed: a log that the served run's has grown into, or another that judges, with --log"
    )


def _columns(dataset: Dataset, rival: SavedPolicy) -> NDArray[np.int64]:
    """Return (n_items,) the rival's column of every item of the world of `dataset`, `ABSENT` where it has none."""
    place = found(dataset.log.item_ids[dataset.world.items].tolist(), rival.item_ids.tolist())
    columns = World(rival.world_users, rival.world_items).columns(len(rival.item_ids))
    return np.where(place == ABSENT, ABSENT, columns[place])


@dataclass(frozen=True)
class Pairs:
    """Pairs of a user and an item, (n,) numbers in vocabularies of raw ids."""

    user_ids: Ids
    item_ids: Ids
    users: NDArray[np.integer]
    items: NDArray[np.integer]

    @classmethod
    def of(cls, log: InteractionLog) -> Self:
        """Return the pairs of `log`."""
        return cls(log.user_ids, log.item_ids, log.users, log.items)


def _pairs_of(run: Path, saved: SavedPolicy, data_dir: Path | None, device: torch.device) -> Pairs:
    """Return the pairs that a run may have learned from: exactly those if its data are unchanged, else all of its log."""
    try:
        loaded = OpenedRun.of(run, data_dir, device).loaded
    except InputError as error:
        kept = load_history(RunFolder.open(run), len(saved.user_ids), len(saved.item_ids))
        if kept is None:
            raise InputError(f"{error}; which rows it learned from is not known, so it cannot be compared") from error
        history = kept.history
        users = np.repeat(np.arange(len(saved.user_ids)), np.diff(history.starts))
        return Pairs(saved.user_ids, saved.item_ids, users, history.items)
    return Pairs.of(SpecifiedRun.with_config(saved.config, loaded).dataset.log)


def unseen_rows(judging: InteractionLog, log: InteractionLog, learned: Sequence[Pairs]) -> NDArray[np.bool_]:
    """Return (n,) bool: whether a row of `judging`, in the numbers of `log`, has a pair that no run has `learned`."""
    seen = [np.zeros(0, np.int64)]
    for other in learned:
        users, items = (
            found(own.tolist(), ids.tolist()) for own, ids in ((other.user_ids, log.user_ids), (other.item_ids, log.item_ids))
        )
        there = (users[other.users] != ABSENT) & (items[other.items] != ABSENT)
        seen.append(users[other.users[there]] * log.n_items + items[other.items[there]])
    cells = judging.users.astype(np.int64) * log.n_items + judging.items
    return ~np.isin(cells, np.concatenate(seen))


def _measured(
    new: OpenedRun,
    rival: SavedPolicy,
    dataset: Dataset,
    judging: InteractionLog,
    columns: NDArray[np.int64],
    seed: int,
) -> Difference | str:
    device, world = new.device, dataset.world
    estimates: Estimates
    if knows_better(rival, new.saved, dataset, judging, columns):
        estimates = KeptEstimates(served_estimates(rival, dataset, columns))
    else:
        most_cells = new.saved.config.reward.table_cells
        estimates = Predicted.of(new.saved.model, world.users, world.items, device, most_cells).rewards
    lookback = max(lookback_of(new.saved.config), lookback_of(rival.config))
    start = Window.at_start(world.n_items, lookback, device)
    scorers: dict[str, Scorer] = {
        NEW: new.saved.network(world.users).scorer(),
        SERVED: _translated(rival, dataset, columns, device),
    }
    generator = numpy_generator(seed, "promote")
    try:
        evidence = evidence_of(dataset, judging, estimates, start, generator)
    except InputError as error:
        return f"whether it is worse {CANNOT_BE_TOLD}: {error}"
    judged = judge({name: evidence.decisions(each, name, greedy=False) for name, each in scorers.items()}, generator)
    if (told := judged.difference(NEW, SERVED)) is not None:
        name, _, low, high = told
        ours, theirs = (judged.estimates[each][name].value for each in (NEW, SERVED))
        return Difference(f"value by {ESTIMATORS[name].label}", ours, theirs, low, high)
    try:
        rows = held_out_rows(dataset.log, judging, world, device)
    except InputError as error:
        objections = [each["dr"].objections[0] for each in judged.estimates.values() if each["dr"].objections]
        return f"whether it is worse {CANNOT_BE_TOLD}: {'; '.join([*objections, str(error)])}"
    terms = {name: Terms.mean(ndcg(ranked_lists(rows, each, start))) for name, each in scorers.items()}
    low, high = bootstrap_by_user(terms, np.arange(len(rows.users)), generator).difference(NEW, SERVED)
    return Difference(f"{NDCG.label} on held-out rows", terms[NEW].value, terms[SERVED].value, low, high)


def _translated(rival: SavedPolicy, dataset: Dataset, columns: NDArray[np.int64], device: torch.device) -> TranslatedScorer:
    """Return the rival's policy in the world of `dataset`; for unknown users it uses its average user."""
    place = found(dataset.log.user_ids[dataset.world.users].tolist(), rival.user_ids.tolist())
    known = place[place != ABSENT]
    rows = np.full(len(place), len(known))
    rows[place != ABSENT] = np.arange(len(known))
    own_rows, own_columns = (torch.from_numpy(numbers).to(device) for numbers in (rows, columns))
    return TranslatedScorer(rival.network(known).scorer(), own_rows, own_columns, len(rival.world_items))
