"""The start of a fit from an earlier world model, on a log that has grown or changed since."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from darlr.data.names import Places
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class Former:
    """A world model of a former log.

    Attributes:
        model: the fitted model.
        fit: figures about its fit, as plain values.
        places: the places of the log's users, items and features in the former log.
    """

    model: WorldModel
    fit: Mapping[str, Any]
    places: Places
