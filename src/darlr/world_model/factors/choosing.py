"""Chooses the size, the link, the weights of active users and the law of selection from the log alone, and reports the
choice.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.artifacts.schema import Keys, number, one_of, require, whole
from darlr.cluster.workers import HERE, Workers
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.world_model.continuing import Former
from darlr.world_model.factors.estimation import estimate
from darlr.world_model.factors.held_out import Fold, folds
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.problem import is_implicit, require_link
from darlr.world_model.factors.responses import Link
from darlr.world_model.factors.selection import NO_LAW, Selection, from_log, from_randomised, given
from darlr.world_model.factors.settings import FactorSettings
from darlr.world_model.factors.weighting import WeightingTrial, try_exponents

SIZES = (0, 2, 4, 8, 12)
FIRST_SIZE = 4

MARGIN = 0.005
"""Share of pairs by which a larger size must rank held-out rows better than the size before it. A larger size costs far
more time in the fit and in the policy.
"""

TRIAL_TOLERANCE = 10.0
"""Trial fits stop at this multiple of the tolerance. The settings' order by ranking shows before a fit has converged."""


CHOSEN = Keys({"size": whole(), "link": one_of("identity", "log"), "activity_exponent": number})
"""The settings that a fit keeps when it starts from a former fit."""


@dataclass(frozen=True)
class Trial:
    """A size and a link that were tried.

    Attributes:
        size: number of factors beside the biases.
        link: the scale on which rewards are linear.
        ranking: share of a user's held-out pairs in the right order, averaged over folds; None where there are no pairs to
            order.
    """

    size: int
    link: Link
    ranking: float | None


@dataclass(frozen=True)
class FactorReport:
    """The choices of a fit, and the reasons for them.

    Attributes:
        size, link, activity_exponent: as fitted.
        reason: a sentence about the size and the link, to be shown to people.
        held_out_ranking: the ranking of the chosen size and link; None where nothing was held out or there is nothing to order.
        trials: every size and link that was tried, in that order.
        weightings: every exponent of activity that was tried.
        selection: the exponent of the law of selection and its source.
        objective: the last fit's objective after each sweep, per logged row.
        noise: variance of a logged y around its mean.
    """

    size: int
    link: Link
    activity_exponent: float
    reason: str
    held_out_ranking: float | None
    trials: tuple[Trial, ...]
    weightings: tuple[WeightingTrial, ...]
    selection: Selection
    objective: tuple[float, ...]
    noise: float


def fit_factors(
    dataset: Dataset,
    settings: FactorSettings,
    generator: torch.Generator,
    device: torch.device,
    selection_exponent: float | None = None,
    former: Former | None = None,
    workers: Workers = HERE,
) -> tuple[FactorModel, FactorReport]:
    """Fit the factor model on the log of `dataset`.

    Args:
        dataset: its log is fitted, with the features of users and items.
        settings: the factor settings; open ones (None or `auto`) are chosen from the log.
        generator: on the CPU; it draws the folds and the first factors.
        device: device of the fit and of the model.
        selection_exponent: eta of the law of selection. None: estimated from ratings of randomly shown items where
            `dataset` has them, else from the log.
        former: a model of a former log. The fit starts from its posteriors and keeps its size, link and weights.
        workers: group the rows and update both sides; the numbers do not depend on them.

    Returns:
        The model, and a report of the choices.

    Raises:
        InputError: if there is nothing to learn, or the link does not suit the rewards.
        RunError: if the objective becomes NaN or infinite.
    """
    if former is not None:
        settings = _as_before(settings, former)
    require_link(dataset.log, settings.link)
    chooser = Chooser(dataset, settings, generator, device, workers)
    if former is not None:
        chooser.reason = "as in the run that it starts from"
    exponent = chooser.activity_exponent()
    size, link = chooser.size_and_link(exponent)
    model, course = estimate(dataset, dataset.log, size, link, exponent, settings, generator, device, former, workers)
    selection = _selection(model, dataset, selection_exponent)
    report = FactorReport(
        size=size,
        link=link,
        activity_exponent=exponent,
        reason=chooser.reason,
        held_out_ranking=next((trial.ranking for trial in chooser.trials if (trial.size, trial.link) == (size, link)), None),
        trials=tuple(chooser.trials),
        weightings=chooser.weightings,
        selection=selection,
        objective=course.objective,
        noise=course.noise,
    )
    return model.with_selection(selection.exponent), report


def _as_before(settings: FactorSettings, former: Former) -> FactorSettings:
    """The settings with the choices made for the former log; raises `InputError` if the settings ask for another size or
    link.
    """
    require(former.fit, CHOSEN, "the fit of the run's world model")
    for name in ("size", "link"):
        asked, before = getattr(settings, name), former.fit[name]
        if asked not in (None, "auto", before):
            raise InputError(
                f"config key 'factors.{name}' is {asked!r}, but the run's factors have {before!r}; expected the same"
            )
    exponent = settings.activity_exponent if settings.activity_exponent is not None else former.fit["activity_exponent"]
    return replace(settings, size=former.fit["size"], link=former.fit["link"], activity_exponent=exponent)


def held_out_ranking(
    dataset: Dataset,
    settings: FactorSettings,
    held_out: NDArray[np.bool_],
    generator: torch.Generator,
    device: torch.device,
) -> float | None:
    """The ranking of the log's rows `held_out` (n,) by a model that is chosen and fitted on the other rows.

    The law of selection is left out, because users selected the held-out rows as well.

    Returns:
        The share of a user's pairs of held-out rows in the right order (scalar). None if no user has two of these rows with
        different rewards.
    """
    numbers = _numpy(generator)
    fold = Fold.of(dataset, held_out, numbers)
    model, _ = fit_factors(replace(dataset, log=fold.training), settings, generator, device, selection_exponent=0.0)
    return _known(fold.ranking(model, numbers))


def _selection(model: FactorModel, dataset: Dataset, exponent: float | None) -> Selection:
    if exponent is not None:
        return given(exponent, "set by hand")
    if is_implicit(dataset.log):
        return given(0.0, NO_LAW)
    if dataset.randomised is not None:
        return from_randomised(model, dataset.randomised)
    return from_log(model, dataset.log)


@dataclass
class Chooser:
    """Tries settings on held-out rows. The rows are drawn when the first choice needs them."""

    dataset: Dataset
    settings: FactorSettings
    generator: torch.Generator
    device: torch.device
    workers: Workers = HERE
    trials: list[Trial] = field(default_factory=list)
    weightings: tuple[WeightingTrial, ...] = ()
    reason: str = "set by hand"
    _folds: list[Fold] = field(default_factory=list)

    def activity_exponent(self) -> float:
        """The exponent by which active users' rows are weighed down: as set; 0 for ratings; else the most likely for
        held-out rows.
        """
        if self.settings.activity_exponent is not None:
            return self.settings.activity_exponent
        if not is_implicit(self.dataset.log):
            return 0.0
        self.weightings = try_exponents(self._held_out())
        return max(self.weightings, key=lambda trial: trial.likelihood).exponent

    def size_and_link(self, activity_exponent: float) -> tuple[int, Link]:
        """Choose the link at one size, then climb the sizes from there while the ranking grows; size 0 is always tried."""
        links = self._links()
        sizes = SIZES if self.settings.size is None else (self.settings.size,)
        if len(links) == len(sizes) == 1:
            return sizes[0], links[0]
        first = FIRST_SIZE if FIRST_SIZE in sizes else sizes[0]
        self.reason = "ranks held-out rows of the log best"
        best = max((self._try(first, link, activity_exponent) for link in links), key=_score)
        start = sizes.index(first)
        best = self._climb(best, sizes[start + 1 :], MARGIN, activity_exponent)
        if best.size == first:
            best = self._climb(best, sizes[:start][::-1], 0.0, activity_exponent)
        if 0 in sizes and all(trial.size for trial in self.trials):
            # The ranking may fall towards few factors and rise again at none. Size 0 has draws of its own, so the fit's
            # stay the same.
            none = self._try(0, best.link, activity_exponent, torch.Generator().set_state(self.generator.get_state()))
            best = none if _score(none) >= _score(best) else best
        return best.size, best.link

    def _climb(self, best: Trial, sizes: tuple[int, ...], margin: float, activity_exponent: float) -> Trial:
        """The last of `sizes` before the ranking stops growing by `margin` from one size to the next; `best` if none does."""
        for size in sizes:
            trial = self._try(size, best.link, activity_exponent)
            if _score(trial) < _score(best) + margin:
                break
            best = trial
        return best

    def _links(self) -> tuple[Link, ...]:
        log = self.dataset.log
        fixed: dict[str, tuple[Link, ...]] = {"identity": ("identity",), "log": ("log",)}
        if self.settings.link != "auto":
            return fixed[self.settings.link]
        return ("identity",) if is_implicit(log) or log.reward_range[0] < 0 else ("identity", "log")

    def _try(self, size: int, link: Link, activity_exponent: float, generator: torch.Generator | None = None) -> Trial:
        draws = self.generator if generator is None else generator
        settings = replace(self.settings, tolerance=TRIAL_TOLERANCE * self.settings.tolerance)

        def ranking(fold: Fold) -> float:
            chosen = size, link, activity_exponent, settings
            model, _ = estimate(self.dataset, fold.training, *chosen, draws, self.device, workers=self.workers)
            return fold.ranking(model, _numpy(draws))

        rankings = [ranking(fold) for fold in self._held_out()]  # one model at a time: they are large
        self.trials.append(Trial(size, link, _known(float(np.mean(rankings)))))
        return self.trials[-1]

    def _held_out(self) -> list[Fold]:
        if not self._folds:
            self._folds = folds(self.dataset, self.settings.held_out, _numpy(self.generator))
        return self._folds


def _score(trial: Trial) -> float:
    return -math.inf if trial.ranking is None else trial.ranking


def _known(ranking: float) -> float | None:
    return None if math.isnan(ranking) else ranking


def _numpy(generator: torch.Generator) -> np.random.Generator:
    """A numpy generator that continues a torch generator."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
