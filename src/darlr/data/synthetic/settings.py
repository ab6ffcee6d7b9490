"""Settings of a large generated world."""

from dataclasses import dataclass
from typing import Literal, get_args

from darlr.config.constraints import LARGEST, require_between
from darlr.errors import InputError
from darlr.text import brief

Selection = Literal["shown", "free", "popularity", "forced"]
"""The rule by which items enter a user's log; see `WorldSettings.selection`."""

MOST_SKEW = 1.5
MOST_STRENGTH = 100.0


@dataclass(frozen=True)
class WorldSettings:
    """Size and laws of a generated world; every attribute is the option of `darlr generate` of that name.

    Attributes:
        users, items: numbers of users and items.
        rows: number of rows of the log; each user has at least one, and at most half of the items.
        user_skew, item_skew: the user of rank r has rows in proportion to r ** -user_skew. The item of rank r is offered in
            proportion to r ** -item_skew, as far as users have an item only once.
        selection: the rule by which items enter the log. shown: popular items are offered, and users take those to their
            taste. free: any items are offered, and users take those with the greatest reward. popularity: popular items are
            offered, and users take any. forced: any items, at random.
        selection_strength: how strongly users choose by taste or reward; 0: they take any. None: 1.
        test_users, test_items: size of the test world, whose truth is known; None: 10,000 and 5,000, or all if there are fewer.
        randomised: number of additional ratings of items that were shown at random.
        seed: the seed of the world.

    Raises:
        InputError: naming the option that is outside its limits.
    """

    users: int
    items: int
    rows: int
    user_skew: float = 0.5
    item_skew: float = 0.8
    selection: Selection = "shown"
    selection_strength: float | None = None
    test_users: int | None = None
    test_items: int | None = None
    randomised: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("--users", self.users, 2, 100_000_000)
        require_between("--items", self.items, 2, 10_000_000)
        require_between("--rows", self.rows, self.users, self.users * self.most_rows)
        require_between("--randomised", self.randomised, 0, 100_000_000)
        require_between("--seed", self.seed, -LARGEST, LARGEST)
        require_between("--test-users", self.tested_users, 1, self.users)
        require_between("--test-items", self.tested_items, 1, self.items)
        _require_number("--user-skew", self.user_skew, MOST_SKEW)
        _require_number("--item-skew", self.item_skew, MOST_SKEW)
        _require_number("--selection-strength", self.strength, MOST_STRENGTH)
        if self.selection not in get_args(Selection):
            raise InputError(f"--selection is {brief(self.selection)}; expected one of {', '.join(get_args(Selection))}")
        if self.selection_strength is not None and self.selection not in ("shown", "free"):
            raise InputError(
                f"--selection-strength is {self.selection_strength:g}, but the selection '{self.selection}' has none; "
                "expected 'shown' or 'free'"
            )

    @property
    def most_rows(self) -> int:
        """The largest number of rows of a user."""
        return max(1, self.items // 2)

    @property
    def strength(self) -> float:
        """The strength of selection."""
        return 1.0 if self.selection_strength is None else self.selection_strength

    @property
    def tested_users(self) -> int:
        """The number of users of the test world."""
        return min(10_000, self.users) if self.test_users is None else self.test_users

    @property
    def tested_items(self) -> int:
        """The number of items of the test world."""
        return min(5_000, self.items) if self.test_items is None else self.test_items


def _require_number(name: str, value: float, most: float) -> None:
    if not 0 <= value <= most:
        raise InputError(f"{name} is {brief(value)}; expected from 0 to {most:g}")
