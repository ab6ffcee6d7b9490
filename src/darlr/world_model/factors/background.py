"""All pairs of users and items at one target, as rows that are never listed.

If a log holds positives alone, every pair that it lacks counts as the lowest reward, with the weight of its user. These
pairs enter all sums through one sum over each side (Hu, Koren & Volinsky, ICDM 2008).
"""

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Background:
    """One side's n entities in all pairs of them with the other side's entities, at one target.

    Attributes:
        weights: (n,); the weight of a pair is the product of both sides' weights.
        apart: (n,) of 0 and 1; pairs of two 1s are left out.
        target: y of every pair that is not logged.
    """

    weights: Tensor
    apart: Tensor
    target: float

    def shared(self, means: Tensor, products: Tensor) -> "BackgroundSums":
        """The sums over these entities that all sums of the other side's entities are built from.

        Args:
            means: (n, e) E h of these entities.
            products: (n, p) E h h' of these entities.
        """
        apart = self.weights * self.apart
        return BackgroundSums(self.weights @ means, apart @ means, self.weights @ products, apart @ products)

    def statistics(self, sums: "BackgroundSums", first: int, last: int) -> tuple[Tensor, Tensor]:
        """Sums over the pairs of the entities `first` to `last`, from the `sums` over the other side.

        Returns:
            (last - first, p) sums of weight times E h h', and (last - first, e) sums of weight times target times E h.
        """
        own, apart = self.weights[first:last, None], self.apart[first:last, None]
        products = own * (sums.products - apart * sums.products_apart)
        return products, self.target * (own * (sums.means - apart * sums.means_apart))

    def weight_with(self, other: "Background") -> float:
        """The sum of the weights of all pairs with the other side's entities."""
        apart = (self.weights * self.apart).sum() * (other.weights * other.apart).sum()
        return float(self.weights.sum() * other.weights.sum() - apart)

    def of(self, first: int, last: int) -> "Background":
        """The entities `first` to `last` alone."""
        return replace(self, weights=self.weights[first:last], apart=self.apart[first:last])


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
        """Add the sums over other entities."""
        for name, total in vars(self).items():
            setattr(self, name, total + getattr(other, name))
