"""Methods ranked over blocks: Friedman's test, and Wilcoxon's signed-rank test for every pair, corrected by Holm's procedure.

J. Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006), ranks methods in this way. A.
Benavoli, G. Corani and F. Mangili, "Should we really use post-hoc tests based on mean-ranks?", JMLR 17 (2016), test pairs
instead of Nemenyi's test, because a difference of two mean ranks depends on the other methods. The tests come from SciPy.
"""

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError
from darlr.evaluation.statistics import holm, mean_ranks

Block = TypeVar("Block", bound=Hashable)

CERTAIN = 0.05
"""Two methods differ if the corrected p of their pair is below this."""


@dataclass(frozen=True)
class Ranked:
    """Methods, compared over blocks that all of them have.

    Attributes:
        ranks: the mean rank of each method, best first; 1 is the best rank, and equal values share theirs.
        blocks: number of blocks.
        p: p value of Friedman's test that no method differs; for two methods that of the pair.
        pairs: the corrected p value of every pair of methods, in the order of `ranks`.
    """

    ranks: Mapping[str, float]
    blocks: int
    p: float
    pairs: Mapping[tuple[str, str], float]

    @property
    def alike(self) -> tuple[tuple[str, ...], ...]:
        """Maximal runs of two or more neighbours in the order of ranks, in which no pair differs."""
        order = list(self.ranks)
        found: list[tuple[int, int]] = []
        for first in range(len(order)):
            last = first
            while last + 1 < len(order) and all(self._alike(one, order[last + 1]) for one in order[first : last + 1]):
                last += 1
            if last > first and (not found or last > found[-1][1]):
                found.append((first, last))
        return tuple(tuple(order[first : last + 1]) for first, last in found)

    @property
    def can_differ(self) -> bool:
        """Whether so few blocks allow any pair to differ: 2^(1 - n) is the least p value of n blocks."""
        return len(self.pairs) * 2.0 ** (1 - self.blocks) < CERTAIN

    def _alike(self, one: str, other: str) -> bool:
        return self.pairs[one, other] >= CERTAIN


def ranked(blocks: Mapping[Block, Mapping[str, float]]) -> Ranked:
    """Rank methods by their values in blocks; more is better.

    Differences of 0 count half for either side (zsplit), as Demsar recommends.

    Args:
        blocks: block -> method -> value; every block has the same methods.

    Raises:
        InputError: for fewer than two blocks or methods, for blocks with other methods, and if SciPy is not installed.
    """
    require_scipy()
    from scipy.stats import friedmanchisquare  # noqa: PLC0415

    if len(blocks) < 2:
        raise InputError(f"{len(blocks)} blocks (a world and a seed each) to rank methods over; expected at least 2")
    methods = list(next(iter(blocks.values())))
    if len(methods) < 2:
        raise InputError(f"{len(methods)} methods to rank; expected at least 2")
    for block, found in blocks.items():
        if found.keys() != set(methods):
            raise InputError(f"block {block} has other methods than the first one; expected the same")
    means = mean_ranks({str(block): found for block, found in blocks.items()})
    values = {method: np.array([found[method] for found in blocks.values()]) for method in means}
    pairs = list(itertools.combinations(means, 2))
    corrected = holm([_wilcoxon(values[one], values[other]) for one, other in pairs])
    if len(methods) == 2:
        p = corrected[0]
    elif all(np.array_equal(values[method], values[methods[0]]) for method in methods):
        p = 1.0
    else:
        p = float(friedmanchisquare(*values.values()).pvalue)
    return Ranked(means, len(blocks), p, dict(zip(pairs, corrected, strict=True)))


def require_scipy() -> None:
    """Raise `InputError` if SciPy is not installed."""
    try:
        import scipy  # noqa: F401, PLC0415
    except ImportError as error:
        raise InputError("mean ranks and their tests need SciPy; install it with: pip install 'darlr[statistics]'") from error


def _wilcoxon(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    from scipy.stats import wilcoxon  # noqa: PLC0415

    differences = ours - theirs
    return float(wilcoxon(differences, zero_method="zsplit").pvalue) if differences.any() else 1.0
