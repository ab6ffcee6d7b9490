"""A table as plain data, and its renderings for a terminal, Markdown, LaTeX and CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import rich.box
import rich.table
import rich.text

from darlr.evaluation.statistics import interval
from darlr.report.rendering.terminal import shown
from darlr.text import csv_text, latex, markdown, markdown_line, visible

SIGNIFICANCE = {0.001: "***", 0.01: "**", 0.05: "*"}
"""The mark beside a difference with a p value below the limit."""


UNKNOWN = "–"
"""Shown in place of a spread that one value alone does not have."""


def significance(p: float | None) -> str:
    """The mark of a p value; "" where there is none or it is not significant."""
    return next((mark for limit, mark in SIGNIFICANCE.items() if p is not None and p < limit), "")


@dataclass(frozen=True)
class Quantity:
    """A number with the spread that belongs to it (a standard deviation or a half-width; the table's notes say which).

    Attributes:
        best: whether it is the best of its column; LaTeX sets it in bold type.
        mark: of `SIGNIFICANCE`, or another that the table's notes explain; LaTeX sets it beside the number.
        digits: decimals that are shown; None: 3, or 2 from 10 on.
    """

    value: float
    spread: float | None = None
    best: bool = field(default=False, compare=False)
    mark: str = field(default="", compare=False)
    digits: int | None = field(default=None, compare=False)

    @classmethod
    def over_seeds(cls, values: Sequence[float]) -> "Quantity | None":
        """Return the mean of the seeds' values and the half-width of its 95% t interval; None without values."""
        return cls(*interval(values)) if values else None

    def __str__(self) -> str:
        digits = self.digits if self.digits is not None else 2 if abs(self.value) >= 10 else 3
        spread = "" if self.spread is None else f" ± {self.spread:.{digits}f}"
        return f"{self.value:.{digits}f}{spread}"


@dataclass(frozen=True)
class Difference(Quantity):
    """A difference with two spreads: `spread` over seeds, and `over_users`; its sign and its marks are always shown."""

    over_users: float | None = None

    def __str__(self) -> str:
        digits = 3 if self.digits is None else self.digits
        spreads = ", ".join(UNKNOWN if width is None else f"{width:.{digits}f}" for width in (self.spread, self.over_users))
        return f"{self.value:+z.{digits}f} ± {spreads} {self.mark}".rstrip()


Cell = str | Quantity | None


@dataclass(frozen=True)
class Table:
    """A title, one heading a column, rows of as many cells (None: nothing to show), and notes that explain them.

    `lead`: a sentence above the rows that says what matters most; "" for none.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    lead: str = ""

    def numeric(self, column: int) -> bool:
        """Return whether the column holds numbers."""
        return any(isinstance(row[column], Quantity) for row in self.rows)

    def without_empty_columns(self) -> "Table":
        """Return the table without columns that are empty in every row."""
        kept = [index for index in range(len(self.header)) if any(row[index] is not None for row in self.rows)]
        return replace(
            self,
            header=tuple(self.header[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in self.rows),
        )

    def with_notes(self, more: Sequence[str]) -> "Table":
        """Return the table with `more` notes at the end."""
        return replace(self, notes=(*self.notes, *more))


def with_best(rows: Sequence[tuple[Cell, ...]], better: Mapping[int, str | None], among: int) -> list[tuple[Cell, ...]]:
    """Return the rows with the best number of each column marked, compared as displayed; ties are all best.

    Args:
        rows: the table's rows.
        better: column -> "higher" or "lower"; other columns, and those where neither is better, have no best.
        among: number of rows, from the first one on, that are compared; a single row has no best.
    """
    marked = [list(row) for row in rows]
    for column, direction in better.items():
        shown = {row: cell for row in range(among) if isinstance(cell := rows[row][column], Quantity)}
        if direction is None or len(shown) < 2:
            continue
        best = (max if direction == "higher" else min)(shown.values(), key=lambda cell: cell.value)
        text = str(replace(best, spread=None))
        for row, cell in shown.items():
            if str(replace(cell, spread=None)) == text:
                marked[row][column] = replace(cell, best=True)
    return [tuple(row) for row in marked]


def to_rich(table: Table) -> rich.table.Table:
    """Return a table for a rich console, without the lead."""
    rendered = rich.table.Table(
        title=shown(table.title, "table.title"),
        caption=rich.text.Text("\n", "table.caption").join(map(shown, table.notes)) if table.notes else None,
        caption_justify="left",
        box=rich.box.SIMPLE_HEAD,  # no rules between columns: five columns of numbers fit a terminal of 80
        collapse_padding=True,
        pad_edge=False,
    )
    for index, heading in enumerate(table.header):
        rendered.add_column(shown(heading), justify="right" if table.numeric(index) else "left")
    for row in table.rows:
        rendered.add_row(*(shown(_text(cell)) for cell in row))
    return rendered


def to_markdown(table: Table) -> str:
    """Return a Markdown section: heading, table, notes."""
    rules = ["---:" if table.numeric(index) else "---" for index in range(len(table.header))]
    header, *rows = ([markdown(_text(cell)) for cell in row] for row in (table.header, *table.rows))
    lines = ["| " + " | ".join(row) + " |" for row in (header, rules, *rows)]
    notes = [f"{markdown_line(note)}  " for note in table.notes]
    lead = [f"**{markdown(table.lead)}**", ""] if table.lead else []
    return "\n".join([f"### {markdown(table.title)}", "", *lead, *lines, *([""] if notes else []), *notes]) + "\n"


def to_latex(table: Table) -> str:
    """Return a LaTeX table (package booktabs): caption, tabular, notes; the best numbers are bold, and marks are raised."""
    columns = "".join("r" if table.numeric(index) else "l" for index in range(len(table.header)))
    lines = [" & ".join(map(_latex, row)) + r" \\" for row in (table.header, *table.rows)]
    notes = [rf"\par\smallskip\footnotesize {latex(note)}" for note in (*table.notes, *_legend(table))]
    parts = [
        *([f"% {visible(table.lead)}"] if table.lead else []),
        r"\begin{table}",
        rf"\caption{{{latex(table.title)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        lines[0],
        r"\midrule",
        *lines[1:],
        r"\bottomrule",
        r"\end{tabular}",
        *notes,
        r"\end{table}",
    ]
    return "\n".join(parts) + "\n"


def to_csv(table: Table) -> str:
    """Return CSV with full precision; a column of numbers becomes two, the second ('... ±') its spread."""
    numeric = [table.numeric(index) for index in range(len(table.header))]
    header = [part for heading, wide in zip(table.header, numeric, strict=True) for part in _heading(heading, wide)]
    rows = ([part for cell, wide in zip(row, numeric, strict=True) for part in _values(cell, wide)] for row in table.rows)
    return csv_text([header, *rows])


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _legend(table: Table) -> list[str]:
    """Return the meaning of bold type and marks, if the table has some."""
    numbers = [cell for row in table.rows for cell in row if isinstance(cell, Quantity)]
    bold = ["Bold: the best of its column among the methods."] if any(cell.best for cell in numbers) else []
    marks = ", ".join(f"{mark} p < {limit:g}" for limit, mark in reversed(SIGNIFICANCE.items()))
    return [*bold, f"{marks}."] if any(cell.mark in SIGNIFICANCE.values() for cell in numbers) else bold


def _latex(cell: Cell) -> str:
    text = latex(_text(cell))
    if not isinstance(cell, Quantity) or isinstance(cell, Difference):
        return text
    bold = rf"\textbf{{{text}}}" if cell.best else text
    return rf"{bold}\textsuperscript{{{latex(cell.mark)}}}" if cell.mark else bold


def _heading(heading: str, wide: bool) -> list[str]:
    return [heading, f"{heading} ±"] if wide else [heading]


def _values(cell: Cell, wide: bool) -> list[str | float | None]:
    if isinstance(cell, Quantity):
        return [cell.value, cell.spread]
    return [cell, None] if wide else [cell]
