"""State trackers, one kind in each file. `tracker.py` has their common base, and `kinds.py` their names."""

from darlr.agents.networks.trackers.kinds import TRACKERS, register_tracker, state_tracker
from darlr.agents.networks.trackers.mean import MeanTracker
from darlr.agents.networks.trackers.tracker import StateTracker

__all__ = ["TRACKERS", "MeanTracker", "StateTracker", "register_tracker", "state_tracker"]
