"""A method, a reward, a state tracker, a data set and an opponent for darlr. Start with `method.py`."""

from darlr import register_dataset, register_method, register_opponent, register_reward, register_tracker
from darlr_example import dataset, method, opponent, reward, tracker


def register() -> None:
    """Add everything to darlr; the entry point in pyproject.toml names this function, and darlr calls it once."""
    register_method(method.VANILLA_PG)
    register_reward("cautious", reward.cautious, "the lower end of the estimate's interval")
    register_tracker("decaying", tracker.DecayingTracker)
    register_dataset(dataset.ISLANDS)
    register_opponent("most_rated", opponent.most_rated)
