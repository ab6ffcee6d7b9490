"""What a world model starts from where one was fitted before, on a log that has grown or changed since."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from darlr.data.names import Places
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class Former:
    """A world model of a former log.

    Attributes:
        model: as it was fitted then.
        fit: how its fit went, as plain values.
        places: where the users, items and features of the log stood in the former one.
    """

    model: WorldModel
    fit: Mapping[str, Any]
    places: Places
