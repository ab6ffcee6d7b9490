"""State trackers, one kind a file; what they share is in `tracker.py`, and `kinds.py` names them."""

from darlr.agents.networks.trackers.kinds import TRACKERS, register_tracker, state_tracker
from darlr.agents.networks.trackers.mean import MeanTracker
from darlr.agents.networks.trackers.tracker import StateTracker

__all__ = ["TRACKERS", "MeanTracker", "StateTracker", "register_tracker", "state_tracker"]
