"""Methods and the best list, ranked over blocks: a block is one world and one seed.

Worlds are too few for a test over worlds alone. Seeds of one world share its data, so blocks are not independent data sets,
and p values are smaller than they should be. The ranking says how steady an order is in these worlds, and nothing about others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from darlr.errors import InputError
from darlr.evaluation.average_ranks import CERTAIN, Ranked, ranked
from darlr.report.analysis.criteria import probability
from darlr.report.analysis.overview import BEST, TRUTH, WorldOutcome, steady
from darlr.text import counted

GAP = 0.04
"""The least distance of bars in a lane, as a share of the axis."""
NAMED = 5
"""The largest number of methods that a note names."""


@dataclass(frozen=True)
class Ranking:
    """The ranks, and lines that say what they are worth."""

    ranked: Ranked
    notes: tuple[str, ...]


def ranking_of(outcomes: Mapping[str, WorldOutcome]) -> Ranking:
    """Rank the methods that every world has, without those that are told the truth, and the best list.

    Raises:
        InputError: if no world was judged on every user, and for too few methods or blocks.
    """
    if not outcomes:
        raise InputError("no run was judged on every user beside a list; expected runs on data with a truth")
    values = {world: _by_method(outcome) for world, outcome in outcomes.items()}
    every = dict.fromkeys(method for found in values.values() for method in found)
    common = [method for method in every if all(method in found for found in values.values())]
    absent = [method for method in every if method not in common]
    blocks: dict[tuple[str, int], dict[str, float]] = {}
    incomplete = 0
    for world, found in values.items():
        seeds = dict.fromkeys(seed for method in common for seed in found[method])
        whole = [seed for seed in seeds if all(seed in found[method] for method in common)]
        incomplete += len(seeds) - len(whole)
        blocks |= {(world, seed): {method: found[method][seed] for method in common} for seed in whole}
    result = ranked(blocks)
    return Ranking(result, tuple(_notes(result, len(outcomes), absent, incomplete)))


def lanes_of(found: Ranked) -> dict[tuple[int, int], int]:
    """Return the lane of every bar, by the places of its first and last method; bars of one lane do not touch."""
    order = {method: place for place, method in enumerate(found.ranks)}
    ends: list[float] = []  # of the last bar of each lane
    lanes = {}
    for run in found.alike:
        first, last = found.ranks[run[0]], found.ranks[run[-1]]
        lane = next((lane for lane, end in enumerate(ends) if end + GAP * len(order) < first), len(ends))
        ends[lane:] = [last] if lane == len(ends) else [last, *ends[lane + 1 :]]
        lanes[order[run[0]], order[run[-1]]] = lane
    return lanes


def _by_method(outcome: WorldOutcome) -> dict[str, dict[int, float]]:
    """Return method -> seed -> return on every user."""
    entries = {label: found.entry for label, found in outcome.standings.items() if found.is_method and found.learns != TRUTH}
    return {
        label: {seed: steady(entry.value(seed)) for seed in entry.runs}
        for label, entry in {**entries, BEST: outcome.best}.items()
    }


def _notes(found: Ranked, worlds: int, absent: list[str], incomplete: int) -> list[str]:
    friedman = f"Friedman's test: p {_compared(found.p)}. " if len(found.ranks) > 2 else ""
    notes = [
        f"Mean ranks over {counted(found.blocks, 'block')}, a seed of one of {counted(worlds, 'world')} each, by the return of "
        f"a greedy episode for every user. {friedman}A bar joins neighbours of which no two differ (Wilcoxon's signed-rank "
        f"test, p < {CERTAIN} after Holm's correction for {counted(len(found.pairs), 'pair')}).",
        "Seeds of a world are not independent data sets: p is too small, and the order holds for these worlds alone.",
    ]
    if not found.can_differ:
        notes.append(f"So few blocks cannot tell any two of {len(found.ranks)} methods apart.")
    if absent:
        others = f" and {len(absent) - NAMED} others" if len(absent) > NAMED else ""
        notes.append(f"Left out, since a world lacks them: {', '.join(absent[:NAMED])}{others}.")
    if incomplete:
        notes.append(f"{counted(incomplete, 'block')} left out, since a method lacks the seed.")
    return notes


def _compared(p: float) -> str:
    return probability(p) if p < 0.001 else f"= {probability(p)}"
