"""A table as plain data, and its renderings for a terminal, Markdown, LaTeX and CSV."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import rich.box
import rich.table
import rich.text

from darlr.evaluation.statistics import interval
from darlr.report.rendering.terminal import shown
from darlr.text import csv_text, latex, markdown, markdown_line


@dataclass(frozen=True)
class Quantity:
    """A number with the spread that belongs to it (a standard deviation or a half-width; the table's notes say which)."""

    value: float
    spread: float | None = None

    @classmethod
    def over_seeds(cls, values: Sequence[float]) -> "Quantity | None":
        """Return the mean of the seeds' values and the half-width of its 95% t interval; None without values."""
        return cls(*interval(values)) if values else None

    def __str__(self) -> str:
        digits = 2 if abs(self.value) >= 10 else 3
        spread = "" if self.spread is None else f" ± {self.spread:.{digits}f}"
        return f"{self.value:.{digits}f}{spread}"


Cell = str | Quantity | None


@dataclass(frozen=True)
class Table:
    """A title, one heading a column, rows of as many cells (None: nothing to show), and notes that explain them."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

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


def to_rich(table: Table) -> rich.table.Table:
    """For a rich console."""
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
    return "\n".join([f"### {markdown(table.title)}", "", *lines, *([""] if notes else []), *notes]) + "\n"


def to_latex(table: Table) -> str:
    """A LaTeX table (package booktabs): caption, tabular, notes."""
    columns = "".join("r" if table.numeric(index) else "l" for index in range(len(table.header)))
    lines = [" & ".join(latex(_text(cell)) for cell in row) + r" \\" for row in (table.header, *table.rows)]
    notes = [rf"\par\smallskip\footnotesize {latex(note)}" for note in table.notes]
    parts = [
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


def _heading(heading: str, wide: bool) -> list[str]:
    return [heading, f"{heading} ±"] if wide else [heading]


def _values(cell: Cell, wide: bool) -> list[str | float | None]:
    if isinstance(cell, Quantity):
        return [cell.value, cell.spread]
    return [cell, None] if wide else [cell]
