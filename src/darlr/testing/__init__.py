"""Contract suites for parts that others add to darlr: each `check_...` raises an error whose one line says what is broken.

They need no test runner: call them from a test or at a prompt. darlr's own parts pass the same checks.
"""

from darlr.testing.methods import check_method
from darlr.testing.opponents import check_opponent
from darlr.testing.readers import check_reader
from darlr.testing.rewards import check_reward
from darlr.testing.trackers import check_tracker
from darlr.testing.world_models import check_world_model

__all__ = ["check_method", "check_opponent", "check_reader", "check_reward", "check_tracker", "check_world_model"]
