"""Records of how a log's recommendations were made, if the service that made them kept any."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError


@dataclass(frozen=True)
class Exposure:
    """A service's records of its n recommendations; a column is None if the service did not record it.

    Attributes:
        propensities: (n,) float64 in (0, 1], the probability with which the shown item was shown.
        sessions: (n,) int64, equal for the recommendations of one episode.
        steps: (n,) int64, the place of a recommendation in its session; the sessions alone are known if this is None.
        positions: (n,) int64, the place on the page; the propensity is that of the item at its position.

    Raises:
        InputError: for columns of different lengths, propensities outside (0, 1], steps without sessions, and a step that
            occurs twice in its session.
    """

    propensities: NDArray[np.float64] | None = None
    sessions: NDArray[np.int64] | None = None
    steps: NDArray[np.int64] | None = None
    positions: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if len({len(column) for column in self._columns().values()}) > 1:
            raise InputError("the columns of the exposure differ in length; expected one value a row of the log in each")
        if self.propensities is not None:
            usable = (self.propensities > 0) & (self.propensities <= 1)
            if not usable.all():
                row = int(np.argmin(usable))
                raise InputError(f"the propensity in row {row} is {self.propensities[row]:g}; expected more than 0, at most 1")
        if self.steps is not None:
            if self.sessions is None:
                raise InputError("the log has steps without sessions; expected both, or sessions alone")
            order = np.lexsort((self.steps, self.sessions))  # np.unique is many times slower on rows of two columns
            sessions, steps = self.sessions[order], self.steps[order]
            if ((sessions[1:] == sessions[:-1]) & (steps[1:] == steps[:-1])).any():
                raise InputError("a step stands twice in its session; expected each once")

    def __len__(self) -> int:
        return len(next(iter(self._columns().values()), ()))

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """Return the chosen rows; `chosen` is (m,) indices or an (n,) mask."""
        return replace(self, **{name: column[chosen] for name, column in self._columns().items()})

    def _columns(self) -> dict[str, NDArray[Any]]:
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: column for name, column in named.items() if column is not None}
