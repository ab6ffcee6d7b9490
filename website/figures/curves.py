"""The published run of each method on Coat, epoch by epoch, and ours beside it: `python -m website.figures.curves RUNS`.

RUNS is the folder of `darlr sweep experiments/beside-published.yaml --out RUNS`.
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from darlr.artifacts import RunFolder
from darlr.evaluation.modes import NX_0
from darlr.report.analysis.runs import Group, collect
from darlr.report.published.curves import PublishedCurve, published_curve
from website.figures.style import GREY, POLICY, figure, styled, write
from website.repository import DOCS

DATASET, METRIC = "coat", "r_tra"


def main() -> None:
    """Draw docs/figures/curves/METHOD.svg for every method of a folder of runs that has a published curve."""
    parser = argparse.ArgumentParser(prog="python -m website.figures.curves", description=__doc__)
    parser.add_argument("runs", type=Path, help="the folder of the finished runs")
    for group in collect([parser.parse_args().runs]).groups[DATASET]:
        published = published_curve(DATASET, group.method, METRIC)
        if published is None:
            continue
        with styled():
            write(draw(group, published), DOCS / "figures" / "curves" / f"{group.method}.svg")
        print(f"docs/figures/curves/{group.method}.svg")


def draw(group: Group, published: PublishedCurve) -> Figure:
    """Both curves: sampled returns in NX_0, where Coat's users never leave."""
    ours = [record[f"{NX_0}/sampled/{METRIC}"] for record in RunFolder.open(group.runs[0].path).metrics()]
    picture = figure(7.0, 2.4)
    axes = picture.subplots()
    axes.plot(range(1, len(published.values) + 1), published.values, color=GREY, linewidth=1)
    axes.plot(range(1, len(ours) + 1), ours, color=POLICY, linewidth=2, marker="o" if len(ours) < 3 else "")
    axes.annotate("published", (len(published.values), published.values[-1]), xytext=(4, 0), textcoords="offset points",
                  color="#666666", va="center", fontsize=8)  # fmt: skip
    place = (len(ours), sum(ours[-3:]) / len(ours[-3:]))
    axes.annotate("ours", place, xytext=(6, 4), textcoords="offset points", color=POLICY, fontsize=8)
    axes.set_xlabel("epoch")
    axes.set_ylabel("R_tra, Coat")
    return picture


if __name__ == "__main__":
    main()
