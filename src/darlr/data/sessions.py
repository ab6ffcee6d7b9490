"""The sessions of a log: visits of a user, in which rows were shown one after the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.data.log import InteractionLog
from darlr.errors import InputError

MINUTE = 60.0
"""Seconds of a minute; a log's times are seconds."""


@dataclass(frozen=True)
class Sessions:
    """S sessions of a log of n rows, those of a user side by side in their order.

    Attributes:
        rows: (n,) rows of the log: session by session, in the order in which they were shown.
        lengths: (S,) int64 number of rows.
        users: (S,) int32.
        ended: (S,) bool, whether the user left after the last row. False: the log stops while the session may go on.
        begun, over: (S,) float64 seconds of the first and of the last row; None if the log has no time.
    """

    rows: NDArray[np.intp]
    lengths: NDArray[np.int64]
    users: NDArray[np.int32]
    ended: NDArray[np.bool_]
    begun: NDArray[np.float64] | None
    over: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """(n,) the session of each of `rows`."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def places(self) -> NDArray[np.int64]:
        """(n,) the place of each of `rows` in its session, from 0 on."""
        starts = np.cumsum(self.lengths) - self.lengths
        return np.arange(len(self.rows)) - np.repeat(starts, self.lengths)


def sessions_of(log: InteractionLog, gap: float) -> Sessions:
    """Return the sessions of `log`.

    They are those that its service recorded. If there are none, a user's rows are cut where more than `gap` minutes lie
    between two of them. With times, a session counts as ended if the log goes on for more than `gap` minutes after its last
    row. Without times, every recorded session has ended.

    Args:
        log: the log.
        gap: minutes without a row after which a session is over.

    Raises:
        InputError: for a log that has neither sessions nor times, and for a session of two users.
    """
    recorded = None if log.exposure is None else log.exposure.sessions
    if recorded is None and log.times is None:
        raise InputError("the log has neither sessions nor times; expected a column 'session' or 'timestamp'")
    order = _order(log, recorded)
    users = log.users[order]
    if recorded is None:
        assert log.times is not None  # one of both is there
        new = np.diff(log.times[order]) > gap * MINUTE
    else:
        new = np.diff(recorded[order]) != 0
    new = np.concatenate([[True], new | (np.diff(users) != 0)])
    starts = np.flatnonzero(new)
    if recorded is not None and len(starts) != len(np.unique(recorded)):
        raise InputError("a session of the log has rows of two users; expected sessions of one user each")
    lengths = np.diff(np.append(starts, len(order)))
    begun = over = None
    ended = np.ones(len(starts), bool)
    if log.times is not None:
        times = log.times[order]
        begun, over = times[starts], times[starts + lengths - 1]
        ended = over + gap * MINUTE < times.max()
    return Sessions(order, lengths, users[starts], ended, begun, over)


def _order(log: InteractionLog, recorded: NDArray[np.int64] | None) -> NDArray[np.intp]:
    """Return (n,) rows by user, session and moment; of equal moments in the order of the log."""
    if recorded is None:
        assert log.times is not None  # the caller has checked it
        return np.lexsort((log.times, log.users))
    assert log.exposure is not None  # the sessions come from it
    moments = log.exposure.steps if log.exposure.steps is not None else log.times
    if moments is None:
        moments = np.arange(len(log))
    if log.times is None:
        return np.lexsort((moments, recorded, log.users))
    _, code = np.unique(recorded, return_inverse=True)
    first = np.full(int(code.max()) + 1, np.inf)
    np.minimum.at(first, code, log.times)
    return np.lexsort((moments, recorded, first[code], log.users))
