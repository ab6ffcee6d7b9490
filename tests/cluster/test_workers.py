"""Workers without a cluster: this machine, and the copies that stand for other machines in tests."""

from dataclasses import dataclass

import pytest

from darlr.cluster.workers import HERE, Workers
from tests.workers import Elsewhere


@dataclass
class Text:
    """A text that can be added up, and shows in which order."""

    letters: str

    def add(self, other: "Text") -> None:
        self.letters += other.letters


def spelled(pair: tuple[str, int], mark: str) -> tuple[int, list[Text]]:
    letter, number = pair
    return 10 * number, [Text(letter), Text(letter.upper() + mark)]


def marked(value: str, mark: str) -> str:
    return value + mark


def shown(text: Text) -> str:
    return text.letters


@pytest.mark.parametrize("workers", [HERE, Elsewhere()], ids=["here", "elsewhere"])
def test_held_values_are_kept_paired_and_added_up_in_their_order(workers: Workers) -> None:
    kept = workers.keep(marked, iter("abc"), "-")
    assert list(workers.apply(marked, kept, "?")) == ["a-?", "b-?", "c-?"]
    pairs = workers.pairs(kept, workers.hold(range(3)))
    results, sums = workers.add_up(spelled, pairs, 2, "!")
    assert list(results) == [0, 10, 20]
    assert list(workers.apply(shown, sums)) == ["a-b-c-", "A-!B-!C-!"]
    results, sums = workers.add_up(spelled, pairs[1:2], 2, "!")
    assert list(results) == [10]
    assert list(workers.apply(shown, sums)) == ["b-", "B-!"]
