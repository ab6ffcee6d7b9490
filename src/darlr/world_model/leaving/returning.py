"""The hours until users return, fitted to the pauses between the sessions of a log and checked by held-out pauses.

The logarithm y of the hours is normal with mean v . g + c_u and the standard deviation s. The last pause of a user is
censored: it is known to be longer than the rest of the log. In the weights w = (-v / s, 1 / s) and the effects b = -c / s the
log-likelihood is concave (Olsen, Econometrica 1978): with z = (y - v . g - c_u) / s = w . (g, y) + b_u it is log(1 / s) - z^2
/ 2 for a pause, and log(1 - Phi(z)) for a censored one.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.sessions import Sessions, sessions_of
from darlr.errors import InputError
from darlr.seeding import numpy_generator
from darlr.world.returns import RETURN_FEATURES, ReturnLaw
from darlr.world_model.leaving.regression import Fitted, Rows, fit_regression, fit_with_spread

HOUR = 3_600.0
FOLDS = 5
LEAST = 50
"""The smallest number of pauses that a law is fitted to."""
SOON = 24.0
"""Hours: the check compares predicted and seen shares of users who are back within a day."""
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Censored:
    """Standard normal rows z, some of which are only known to be larger than z.

    Attributes:
        over: (n,) bool, whether the row was seen to its end.
    """

    over: Tensor

    def values(self, predictors: Tensor) -> Tensor:
        beyond: Tensor = torch.special.log_ndtr(-predictors)
        return torch.where(self.over, -predictors.square() / 2 - HALF_LOG_TWO_PI, beyond)

    def slopes(self, predictors: Tensor) -> tuple[Tensor, Tensor]:
        # phi(z) / (1 - Phi(z)), the inverse of Mills' ratio
        ratio = (-predictors.square() / 2 - HALF_LOG_TWO_PI - torch.special.log_ndtr(-predictors)).exp()
        slopes = torch.where(self.over, -predictors, -ratio)
        return slopes, torch.where(self.over, torch.ones_like(ratio), (ratio * (ratio - predictors)).clamp_min(0.0))


@dataclass(frozen=True)
class Pauses:
    """n pauses after visits.

    Attributes:
        features: (n, G) float64, see `RETURN_FEATURES`.
        log_hours: (n,) float64; of a censored pause, its length so far.
        over: (n,) bool, whether the user came back.
        users: (n,) int64, indices into the log's users.
    """

    features: Tensor
    log_hours: Tensor
    over: Tensor
    users: Tensor

    def __len__(self) -> int:
        return len(self.users)

    def rows(self, chosen: Tensor, n_users: int) -> Rows:
        """Return the pauses `chosen` (n,) as a regression's rows, whose last weight is the scale."""
        design = torch.cat([self.features, self.log_hours[:, None]], dim=1)[chosen]
        over = self.over[chosen]
        return Rows(design, Censored(over), self.users[chosen], n_users, scaled=int(over.sum()))


@dataclass(frozen=True)
class ReturnCheck:
    """The figures of a law, each pause foretold by a fit that has not seen it.

    Attributes:
        learned, constant: mean log-likelihood of a pause by the law, and by one law without features and effects.
        gain, gain_error: mean and standard error of their differences.
        soon, predicted_soon: the share of users who are back within a day, seen and predicted, among the pauses of which the
            log shows it.
    """

    learned: float
    constant: float
    gain: float
    gain_error: float
    soon: float
    predicted_soon: float


@dataclass(frozen=True)
class FittedReturn:
    """A law of returns and the findings of its fit.

    Attributes:
        law: the law.
        errors: (G,) standard errors of its weights, for a known scale.
        spread: the standard deviation of the users' effects.
        pauses, over: the numbers of pauses, and of those after which users came back.
        check: the held-out figures.
    """

    law: ReturnLaw
    errors: NDArray[np.float64]
    spread: float
    pauses: int
    over: int
    check: ReturnCheck

    def record(self) -> dict[str, Any]:
        """Return the figures as plain values, for a run's summary."""
        return {
            "weights": dict(zip(RETURN_FEATURES, self.law.weights.tolist(), strict=True)),
            "standard_errors": dict(zip(RETURN_FEATURES, self.errors.tolist(), strict=True)),
            "scale": self.law.scale,
            "user_spread": self.spread,
            "pauses": self.pauses,
            "over": self.over,
            "held_out": dict(vars(self.check)),
        }

    def line(self) -> str:
        """Return the figures in a line for the user."""
        check = self.check
        return (
            f"users return by a law learned from {self.pauses:,} pauses: log-likelihood of a held-out pause "
            f"{check.learned:.4g} (constant {check.constant:.4g}), back within a day {check.soon:.3g} (predicted "
            f"{check.predicted_soon:.3g})"
        )


def pauses_of(dataset: Dataset, sessions: Sessions) -> Pauses:
    """Return the pause after every session of a log that was seen to end.

    Raises:
        InputError: if the log has no times.
    """
    log = dataset.log
    if log.times is None or sessions.begun is None or sessions.over is None:
        raise InputError("the log has no times, so it does not show when users return; expected a column 'timestamp'")
    low, high = log.reward_range
    rewards = (log.rewards[sessions.rows].astype(np.float64) - low) / (high - low)
    satisfaction = np.add.reduceat(rewards, np.cumsum(sessions.lengths) - sessions.lengths) / sessions.lengths
    again = np.append(sessions.users[1:] == sessions.users[:-1], False)
    until = np.where(again, np.append(sessions.begun[1:], 0.0), log.times.max())
    waited = (until - sessions.over) / HOUR
    known = sessions.ended & (waited > 0)
    features = np.column_stack([np.ones(len(sessions)), satisfaction, np.log(sessions.lengths)])
    columns = (features, np.log(np.where(known, waited, 1.0)), again, sessions.users.astype(np.int64))
    return Pauses(*(torch.from_numpy(column[known]) for column in columns))


def logged_pauses(dataset: Dataset, session_gap: float) -> Pauses:
    """Return the pauses that a law is fitted to; for arguments and errors see `fit_returning`."""
    if dataset.session_log is not None:
        dataset = replace(dataset, log=dataset.session_log)
    pauses = pauses_of(dataset, sessions_of(dataset.log, session_gap))
    if (over := int(pauses.over.sum())) < LEAST:
        raise InputError(f"users of the log returned {over:,} times; a law of returns needs at least {LEAST}")
    return pauses


def fit_returning(dataset: Dataset, session_gap: float) -> FittedReturn:
    """Fit the law of returns to the log of a data set.

    Every pause is foretold by a fit to four fifths of the pauses, without it.

    Args:
        dataset: the data to learn from; its `session_log` is read, if it has one.
        session_gap: minutes without a row after which a session is over.

    Raises:
        InputError: for a log without sessions or times, or with too few pauses.
    """
    pauses = logged_pauses(dataset, session_gap)
    over, n_users = int(pauses.over.sum()), dataset.log.n_users
    every = torch.ones(len(pauses), dtype=torch.bool)
    found = fit_regression(pauses.rows(every, n_users), _start(pauses))
    scale = 1 / float(found.weights[-1])
    law = ReturnLaw(
        weights=(-found.weights[:-1] * scale).numpy(),
        effects=(-found.effects * scale).numpy(),
        deviations=(found.deviations * scale).numpy(),
        scale=scale,
    )
    errors = (found.covariance.diagonal()[:-1].sqrt() * scale).numpy()
    return FittedReturn(law, errors, found.spread * scale, len(pauses), over, _check(pauses, found, n_users))


def _start(pauses: Pauses) -> Tensor:
    """Return (G + 1,) the weights of one normal law of all pauses, as if none were censored."""
    scale = 1 / float(pauses.log_hours.std().clamp_min(1e-3))
    start = torch.zeros(len(RETURN_FEATURES) + 1, dtype=torch.float64)
    start[0], start[-1] = -float(pauses.log_hours.mean()) * scale, scale
    return start


def _check(pauses: Pauses, found: Fitted, n_users: int) -> ReturnCheck:
    """Foretell every pause by a fit without it; `found` is the fit to all, whose spread is used."""
    fold = torch.from_numpy(numpy_generator(0, "return", "folds").permutation(len(pauses)) % FOLDS)
    learned, constant, soon = torch.zeros(3, len(pauses), dtype=torch.float64)
    plain = replace(pauses, features=torch.ones_like(pauses.features[:, :1]))
    for number in range(FOLDS):
        apart = fold == number
        fitted = fit_with_spread(pauses.rows(~apart, n_users), found.spread, (found.weights, found.effects))
        learned[apart], soon[apart] = _foretold(pauses, apart, fitted)
        one = fit_with_spread(plain.rows(~apart, n_users), 0.0, (_start(pauses)[[0, -1]], torch.zeros_like(found.effects)))
        constant[apart], _ = _foretold(plain, apart, one)
    gains = learned - constant
    shown = pauses.over | (pauses.log_hours > math.log(SOON))
    back = pauses.over & (pauses.log_hours <= math.log(SOON))
    return ReturnCheck(
        learned=float(learned.mean()),
        constant=float(constant.mean()),
        gain=float(gains.mean()),
        gain_error=float(gains.std(correction=0)) / len(pauses) ** 0.5,
        soon=float(back[shown].double().mean()),
        predicted_soon=float(soon[shown].mean()),
    )


def _foretold(pauses: Pauses, apart: Tensor, fitted: Fitted) -> tuple[Tensor, Tensor]:
    """Return the log-likelihoods of the pauses `apart` (n,), m of them, and the (m,) probabilities to be back within a day;
    users' effects are integrated out.
    """
    users, features, y = pauses.users[apart], pauses.features[apart], pauses.log_hours[apart]
    scale = 1 / fitted.weights[-1]
    means = -(features @ fitted.weights[:-1] + fitted.effects[users]) * scale
    widths = scale * (1 + fitted.deviations[users].square()).sqrt()
    z = (y - means) / widths
    values = Censored(pauses.over[apart]).values(z) - torch.where(pauses.over[apart], widths.log(), 0.0)
    return values, torch.special.ndtr((math.log(SOON) - means) / widths)
