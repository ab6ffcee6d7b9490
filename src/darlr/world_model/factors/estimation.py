"""One fit of a log: from its rows to a model of all users and items of its vocabularies."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.cluster.workers import HERE, Workers
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.tallies import count_each
from darlr.world_model.continuing import Former
from darlr.world_model.factors.continuing import start_from
from darlr.world_model.factors.design import Description, Design
from darlr.world_model.factors.fitting import block_of, fit
from darlr.world_model.factors.model import FactorModel, Population
from darlr.world_model.factors.problem import prepare
from darlr.world_model.factors.responses import Link
from darlr.world_model.factors.settings import FactorSettings


@dataclass(frozen=True)
class Course:
    """The course of a fit.

    Attributes:
        objective: after each sweep, per logged row.
        noise: variance of a logged y around its mean.
    """

    objective: tuple[float, ...]
    noise: float


def estimate(
    dataset: Dataset,
    log: InteractionLog,
    size: int,
    link: Link,
    activity_exponent: float,
    settings: FactorSettings,
    generator: torch.Generator,
    device: torch.device,
    former: Former | None = None,
    workers: Workers = HERE,
) -> tuple[FactorModel, Course]:
    """Fit the rows of `log` without a law of selection.

    Users and items without rows in `log` get the prior of their features.

    Args:
        dataset: features, vocabularies and the world.
        log: the log of `dataset`, or some of its rows.
        size: number of factors beside the biases.
        link: the scale on which rewards are linear.
        activity_exponent: rows of a user weigh (rows + 6)^-exponent.
        settings: sweeps and tolerance.
        generator: on the CPU; it draws the first factors.
        device: device of the fit and of the model.
        former: a model of a former log, of the same size and link; the fit starts from it.
        workers: group the rows and update both sides; the numbers do not depend on them.
    """
    problem = prepare(dataset, log, link, activity_exponent, device, workers)
    seen = problem.users, problem.items
    descriptions = Description.of(dataset.user_features), Description.of(dataset.items)
    widths = [description.vocabulary + description.numeric.shape[1] for description in descriptions]
    block = block_of(size, max(widths))
    users_design, items_design = (Design(of.rows(own), block, device) for of, own in zip(descriptions, seen, strict=True))
    start = None if former is None else start_from(former, problem, users_design, items_design)
    limits = settings.sweeps, settings.tolerance
    fitted = fit(problem.observed, users_design, items_design, size, *limits, generator, start, workers)
    users, items = (
        Population.of(side, description, torch.from_numpy(own).to(device), block)
        for side, description, own in zip((fitted.users, fitted.items), descriptions, seen, strict=True)
    )
    shares = torch.from_numpy(shares_of(log)).to(device)
    model = FactorModel(users, items, fitted.noise, problem.scale, problem.reward_scale, shares)
    course = Course(fitted.objective, fitted.noise)
    del fitted  # its posteriors in double precision take twice the model's memory
    return (_levelled(model, log) if link == "log" else model), course


def _levelled(model: FactorModel, log: InteractionLog) -> FactorModel:
    """The model, shifted so that its estimates of the rows of `log` are right on average.

    The exponential of a mean logarithm is a median, which lies below the mean. The ratio of the two is assumed to be the
    same for all pairs. The scale's centre absorbs it (smearing: Duan, Journal of the American Statistical Association
    1983).
    """
    device, responses = model.shares.device, model.responses
    users, items = (torch.from_numpy(column.astype(np.int64)).to(device) for column in (log.users, log.items))
    estimated = float(responses.to_reward(responses.expected(users, items)).double().mean())
    ratio = float(log.rewards.mean(dtype=np.float64)) / estimated
    scale = replace(responses.scale, centre=responses.scale.centre + math.log(ratio))
    return FactorModel(model.users, model.items, responses.log_noise, scale, model.scale, model.shares)


def shares_of(log: InteractionLog) -> NDArray[np.float32]:
    """The share of the log's users who have each item in the log, (I,) float32. An item without users counts half a user."""
    half = 0.5 / np.count_nonzero(count_each(log.users, log.n_users))
    return np.maximum(log.audience_shares(), half).astype(np.float32)
