"""Places for the labels of lines that are close together."""

from collections.abc import Sequence


def spread_apart(values: Sequence[float], low: float, high: float, gap: float) -> list[float]:
    """Return heights for the labels of ascending `values`: at least `gap` apart and otherwise as near as possible (least
    squares).

    They stay inside [low, high] if there is room, and reach below `low` if there is not.
    """
    # After subtracting the room of the labels below, the heights only have to ascend. That is isotonic regression, in which
    # neighbours in the wrong order share their mean.
    groups: list[list[float]] = []
    for index, value in enumerate(values):
        group = [value - index * gap]
        while groups and _mean(groups[-1]) > _mean(group):
            group = groups.pop() + group
        groups.append(group)
    heights = [_mean(group) for group in groups for _ in group]
    ceiling = high - (len(values) - 1) * gap
    return [min(max(height, low), ceiling) + index * gap for index, height in enumerate(heights)]


def _mean(group: Sequence[float]) -> float:
    return sum(group) / len(group)
