"""Histories of a few users of a log, whose entropies are worked by hand, and episodes whose end is known.

Letters stand for items that no other user has in the log; each module of this package says which of its raw ids they are.
"""

from collections.abc import Mapping
from math import log2
from types import MappingProxyType

LETTERS = "ABCDEFYZ"

HISTORIES = ("ABD", "ABE", "ABD", "AC", "BAD", "FFFE")
"""One history for each user, oldest first; an item that follows itself has the same time. `FILLER` continues it."""

FILLER = "Z"
FAVOURITE = "Y"
"""The only item of one further user, who sees it again and again."""

TWO_TO_ONE = 2 / 3 * log2(3 / 2) + 1 / 3 * log2(3)
THREE_TO_ONE = 3 / 4 * log2(4 / 3) + 1 / 4 * log2(4)
AFTER_A = (3 / 5 * log2(5 / 3) + 2 * 1 / 5 * log2(5)) / log2(3)  # B 3 times, C, D
AFTER_B = (1 / 2 * log2(2) + 2 * 1 / 4 * log2(4)) / log2(3)  # D twice, E, A
AFTER_A_AND_B = THREE_TO_ONE  # in either order: D 3 times, E
AFTER_F = TWO_TO_ONE  # F twice, E
AFTER_F_TWICE = 1.0  # F, E

ENTROPY: Mapping[str, float] = MappingProxyType(
    {
        "A": AFTER_A + 1,  # too short for a pattern of two
        "B": AFTER_B + 1,
        "C": 1 + 1,  # the filler always follows
        "AB": AFTER_B + AFTER_A_AND_B,
        "BA": AFTER_A + AFTER_A_AND_B,
        "CAB": AFTER_B + AFTER_A_AND_B,  # what lies further back does not matter
        "FF": AFTER_F + AFTER_F_TWICE,
        "CB": AFTER_B + 1,  # never seen together
        "YA": AFTER_A + 1,
    }
)
"""P_E of orders 1 and 2, by the items of an episode so far, newest last."""

TAGS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"A": (0,), "B": (1,), "C": (2,), "D": (3,), "E": (0, 4), "F": (5,), "Y": (6,), "Z": (7, 1)}
)
"""Tags of the letters' items, as positions in a data set's rare tags."""

EPISODES: Mapping[str, int] = MappingProxyType(
    {
        "AE": 2,
        "ABCDE": 5,  # A is the oldest of the last four
        "ABCDFEA": 7,  # A is out of the window when E comes, E is in it when A comes again
        "BDCZ": 4,  # by its second tag
        "BB": 2,
    }
)
"""The step at which a user leaves who is recommended these items, if the last four may not share a tag with the next."""
