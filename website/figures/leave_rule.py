"""One user's visit by a list, and by the same list that skips what shares a category with the last items."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from website.figures.judged import adapting_run
from website.figures.style import figure, panels

ROWS = (("variational", "The list of the estimates"), ("variational_skipping", "The same list, skipping"))
STEPS = 14
"""Steps of the picture."""


def draw(out: Path) -> Figure:
    """Tiles of the recommended items' categories; runs lie in `out`."""
    judged = adapting_run(out)
    visits = [judged.episodes(judged.lists[name]) for name, _ in ROWS]
    lengths = visits[0].lengths
    user = int((lengths == lengths.median()).nonzero()[0, 0])
    picture = figure(7.6, 2.5)
    for panel, visit, (_, title) in zip(panels(picture, 2, 1), visits, ROWS, strict=True):
        steps = int(visit.lengths[user])
        items = visit.actions[user, :steps].tolist()
        _tiles(panel, [sorted(judged.membership[item].nonzero().flatten().tolist()) for item in items])
        panel.set_title(f"{title}: {float(visit.rewards[user].sum()):.1f} in {steps} steps")
    picture.axes[-1].set_xlabel("recommendations, each with the categories of its item")
    return picture


def _tiles(panel: Axes, visit: list[list[int]]) -> None:
    """Draw the first steps of a `visit`: the categories of each item."""
    colours = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2", "#9a9a9a")
    for step, own in enumerate(visit[:STEPS]):
        for place, category in enumerate(own):
            colour = colours[category % len(colours)]
            low, height = place / len(own), 1 / len(own)
            panel.add_patch(Rectangle((step + 0.05, low), 0.9, height, color=colour, alpha=0.55, linewidth=0))
            panel.text(step + 0.5, low + height / 2, _letter(category), ha="center", va="center", fontsize=8)
    if len(visit) < STEPS:
        panel.text(len(visit) + 0.2, 0.5, f"leaves: {_again(visit)} again", va="center", fontsize=9, color="#D55E00")
    else:
        panel.text(STEPS + 0.1, 0.5, "...", va="center", fontsize=11)
    panel.set_xlim(0, STEPS + 0.6)
    panel.set_ylim(0, 1)
    panel.set_yticks([])
    panel.set_xticks([])
    panel.spines[["left", "bottom"]].set_visible(False)


def _letter(category: int) -> str:
    return chr(ord("A") + category) if category < 26 else f"A{chr(ord('A') + category - 26)}"


def _again(visit: list[list[int]]) -> str:
    """The category of the last item that one of the four before has, too."""
    before = {category for own in visit[-5:-1] for category in own}
    return next(_letter(category) for category in visit[-1] if category in before)
