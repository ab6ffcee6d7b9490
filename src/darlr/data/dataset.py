"""A data set as learning sees it: a log, a catalogue, and the users and items of the simulated world."""

from collections.abc import Mapping
from dataclasses import dataclass

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.world.settings import LeaveConfig
from darlr.world.world import World


@dataclass(frozen=True)
class Dataset:
    """All data that learning may use.

    Attributes:
        name: the name in result folders.
        log: the training interactions (U users, I items).
        items: catalogue of the I items.
        user_features: features of the U users.
        world: the users and items of the simulated world, a subset of the log's vocabularies.
        leave: the data set's own leave rule, from the published runs or from its `dataset.yaml`.
        hashes: SHA-256 of every input file by name, or the settings that generated the data.
        paid: smallest and largest reward of the test world, if its scale is not the log's `reward_range`, else None.
        randomised: ratings of items that were shown at random, over the log's vocabularies, or None. They only set the law
            of selection; nothing else is learned from them, and they judge no policy.
        session_log: the log with its held-out rows, if some are held out, else None. The hazard of leaving is fitted to it,
            because sessions with holes end elsewhere.
    """

    name: str
    log: InteractionLog
    items: ItemCatalog
    user_features: Features
    world: World
    leave: LeaveConfig
    hashes: Mapping[str, str]
    paid: tuple[float, float] | None = None
    randomised: InteractionLog | None = None
    session_log: InteractionLog | None = None

    def __post_init__(self) -> None:
        if len(self.items) != self.log.n_items:
            raise InputError(f"the catalogue has {len(self.items)} items; expected the log's {self.log.n_items}")
        if len(self.user_features) != self.log.n_users:
            raise InputError(f"user features have {len(self.user_features)} rows; expected the log's {self.log.n_users} users")
        if self.world.users.max() >= self.log.n_users or self.world.items.max() >= self.log.n_items:
            raise InputError("the test world names a user or item that the log's vocabulary lacks")
        if self.randomised is not None:
            require_randomised(self.randomised, self.log)
        if self.leave.by == "category" and self.items.n_categories == 0:
            raise InputError("leave.by is 'category', but no item has categories; expected 'distance' or 'never'")

    @property
    def paid_range(self) -> tuple[float, float]:
        """Smallest and largest reward of the test world, on the scale that users report when they are served."""
        return self.log.reward_range if self.paid is None else self.paid


def require_randomised(randomised: InteractionLog, log: InteractionLog) -> None:
    """Raise `InputError` for ratings of randomly shown items that cannot set the law of selection of `log`."""
    if (randomised.n_users, randomised.n_items) != (log.n_users, log.n_items):
        raise InputError(
            f"the randomly shown ratings have {randomised.n_users} users and {randomised.n_items} items; expected the log's "
            f"{log.n_users} and {log.n_items}"
        )
    if log.positive_only:
        raise InputError("ratings of randomly shown items are given for a log of positives alone; expected a log of ratings")
