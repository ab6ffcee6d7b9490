"""All pairs of users and items at one target, as rows that are never listed.

If a log holds positives alone, every pair that it lacks counts as the lowest reward, with the weight of its user. These
pairs enter all sums through one sum over each side (Hu, Koren & Volinsky, ICDM 2008).
"""

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Background:
    """All pairs of a side's n entities with the other side's m entities, at one target.

    Attributes:
        own: (n,) weights; the weight of a pair is the product of both sides' weights.
        other: (m,) weights.
        own_apart, other_apart: (n,) and (m,) of 0 and 1; pairs of two 1s are left out.
        target: y of every pair that is not logged.
    """

    own: Tensor
    other: Tensor
    own_apart: Tensor
    other_apart: Tensor
    target: float

    def shared(self, means: Tensor, products: Tensor) -> "BackgroundSums":
        """The sums that all entities' sums are built from.

        Args:
            means: (m, e) E h of the other side.
            products: (m, p) E h h' of the other side.
        """
        apart = self.other * self.other_apart
        return BackgroundSums(self.other @ means, apart @ means, self.other @ products, apart @ products)

    def statistics(self, sums: "BackgroundSums", first: int, last: int) -> tuple[Tensor, Tensor]:
        """Sums over the pairs of the entities `first` to `last`.

        Returns:
            (last - first, p) sums of weight times E h h', and (last - first, e) sums of weight times target times E h.
        """
        own, apart = self.own[first:last, None], self.own_apart[first:last, None]
        products = own * (sums.products - apart * sums.products_apart)
        return products, self.target * (own * (sums.means - apart * sums.means_apart))

    @property
    def weight(self) -> float:
        """The sum of the weights of all pairs."""
        apart = (self.own * self.own_apart).sum() * (self.other * self.other_apart).sum()
        return float(self.own.sum() * self.other.sum() - apart)

    def of(self, first: int, last: int) -> "Background":
        """The pairs of the entities `first` to `last` alone."""
        return replace(self, own=self.own[first:last], own_apart=self.own_apart[first:last])

    def turned(self) -> "Background":
        """The same pairs with the two sides exchanged."""
        return Background(self.other, self.own, self.other_apart, self.own_apart, self.target)


@dataclass
class BackgroundSums:
    """Weighted sums over one side's entities: over all of them, and over those whose pairs are left out.

    Attributes:
        means, means_apart: (e,) of E h.
        products, products_apart: (p,) of E h h'.
    """

    means: Tensor
    means_apart: Tensor
    products: Tensor
    products_apart: Tensor

    def add(self, other: "BackgroundSums") -> None:
        """Add the sums of another part."""
        for name, total in vars(self).items():
            setattr(self, name, total + getattr(other, name))
