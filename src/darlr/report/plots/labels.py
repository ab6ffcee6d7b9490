"""Where to write the labels of lines that lie close together."""

from collections.abc import Sequence


def spread_apart(values: Sequence[float], low: float, high: float, gap: float) -> list[float]:
    """Heights for the labels of ascending `values`: at least `gap` apart and otherwise as near as can be (least squares).

    They stay inside [low, high] if there is room, and reach below `low` if there is not.
    """
    # Less the room that the labels below take, the heights need only ascend: that is isotonic regression, where
    # neighbours that come in the wrong order share their mean.
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
