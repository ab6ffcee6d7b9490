"""The modes in which a policy is tested: their rules, and all names under which a record has metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SAMPLED, GREEDY = "sampled", "greedy"
POLICIES = (SAMPLED, GREEDY)
"""How a tested policy chooses items: drawn with its probabilities, or always its best one."""

NX_0, FB, NX_10 = "nx_0", "fb", "nx_10"
HELD_OUT, SIMULATOR, REFEREE = "held_out", "simulator", "referee"


@dataclass(frozen=True)
class Mode:
    """How an episode of a test runs; if `steps` is None, the world's own limit applies."""

    allow_repeats: bool
    users_leave: bool
    steps: int | None


MODES: Mapping[str, Mode] = MappingProxyType(
    {
        NX_0: Mode(allow_repeats=False, users_leave=True, steps=None),
        FB: Mode(allow_repeats=True, users_leave=True, steps=None),
        NX_10: Mode(allow_repeats=False, users_leave=False, steps=10),
    }
)
"""The modes of a test in a world."""

TEST_MODES = tuple(MODES)

RECORDED_MODES: Mapping[str, str] = MappingProxyType(
    {
        NX_0: "no item twice, users leave",
        FB: "repeats allowed, users leave",
        NX_10: "ten steps, nobody leaves",
        HELD_OUT: "rows held out of the log, where there is no truth",
        SIMULATOR: "the world that the policy learns in (it chooses the epoch)",
        REFEREE: "plain estimates of another world model, where `evaluation.referee` asks for it ([tuning](tuning.md))",
    }
)
"""Every mode under which records and summaries have metrics, with a description; simulator and referee use the rules of
NX_0.
"""
