"""Notices for the user before a run starts: missing data, and settings without effect."""

from darlr.config.experiment import ExperimentConfig
from darlr.data.plausibility.logs import notes as plausibility_notes
from darlr.data.registry import SOURCES
from darlr.data.source import LoadedDataset
from darlr.data.statistics import how_to_complete
from darlr.run.choosing import method_of, ways_of
from darlr.run.resolution import uncertainty_counts, unread_settings
from darlr.run.selection import unread_ratings


def data_notes(config: ExperimentConfig, loaded: LoadedDataset) -> list[str]:
    """Return notes on the data of a run and on assumptions about them, one line each; the run's summary has them, too."""
    source = SOURCES.get(config.dataset)
    texts = [] if source is None else [f"not as published: {line}" for line in source.deviations(loaded)]
    texts += plausibility_notes(loaded)
    log = loaded.dataset.log
    worth = ways_of(config).unlogged_reward(config, loaded.dataset)
    if worth is not None and (worth != 0 or not log.positive_only):
        texts.append(f"the world model takes pairs without a row as worth {worth:g}, in a range of {_range(log.reward_range)}")
    return texts + method_of(config).notes(config, loaded.dataset)


def _range(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:g}..{bounds[1]:g}"


def notices(config: ExperimentConfig, loaded: LoadedDataset) -> list[str]:
    """Return all notices, one line each, those about the data first."""
    texts = data_notes(config, loaded)
    texts += ways_of(config).notices()
    if config.reward.entropy_weight > 0 and loaded.dataset.log.times is None:
        weight = f"reward.entropy_weight {config.reward.entropy_weight:g}"
        texts.append(f"the log has no time, so the entropy term is off ({weight} has no effect)")
    if config.reward.uncertainty_weight > 0 and not uncertainty_counts(config):
        weight = f"reward.uncertainty_weight {config.reward.uncertainty_weight:g}"
        texts.append(f"neighbours.uncertainty is 'none', so no uncertainty is penalised ({weight} has no effect)")
    if unread := unread_settings(config):
        texts.append(f"method '{config.method}' does not read {', '.join(unread)} (no effect)")
    texts += unread_ratings(config, loaded.dataset)
    texts += method_of(config).notices(config, loaded.dataset)
    if loaded.truth is None:
        texts.append(f"the data set has no truth, so the policy is judged on held-out log rows only{how_to_complete(loaded)}")
    elif config.evaluation.by_group:
        texts.append(f"the truth judges, not held-out rows (evaluation.by_group '{config.evaluation.by_group}' has no effect)")
    if (learned := loaded.dataset.log.reward_range) != (paid := loaded.dataset.paid_range):
        scales = f"{learned[0]:.3g}..{learned[1]:.3g} in the log, {paid[0]:g}..{paid[1]:g} in the test world"
        texts.append(f"rewards are on two scales ({scales}): error/* compares them as they are")
    return texts
