"""One table, three renderings."""

import csv
import io

import pytest
import rich.console

from darlr.report.rendering.table import Quantity, Table, to_csv, to_latex, to_markdown, to_rich

TABLE = Table(
    title="dorl on coat",
    header=("policy|metric", "all", "published"),
    rows=(("R_tra", Quantity(71.39924, 2.064), None), ("R_each", Quantity(2.38), Quantity(2.3, 0.0688)), ("a, b", None, None)),
    notes=("first note", "second note"),
)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(71.3992, 2.0640), "71.40 ± 2.06"),
        (Quantity(2.37306, 0.06981), "2.373 ± 0.070"),
        (Quantity(-12.0), "-12.00"),
        (Quantity(0.0, 0.0), "0.000 ± 0.000"),
    ],
)
def test_quantities_as_text(quantity: Quantity, text: str) -> None:
    assert str(quantity) == text


def test_markdown() -> None:
    assert to_markdown(TABLE) == (
        "### dorl on coat\n\n"
        "| policy\\|metric | all | published |\n"
        "| --- | ---: | ---: |\n"
        "| R_tra | 71.40 ± 2.06 |  |\n"
        "| R_each | 2.380 | 2.300 ± 0.069 |\n"
        "| a, b |  |  |\n\n"
        "first note  \nsecond note  \n"
    )


def test_csv_keeps_full_precision() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(TABLE))))
    assert rows == [
        ["policy|metric", "all", "all ±", "published", "published ±"],
        ["R_tra", "71.39924", "2.064", "", ""],
        ["R_each", "2.38", "", "2.3", "0.0688"],
        ["a, b", "", "", "", ""],
    ]


def test_terminal_shows_everything_and_takes_brackets_literally() -> None:
    table = Table("a [b]", ("x [y]",), (("[red]z",),), ("note [1]",))
    text = terminal(table)
    assert all(part in text for part in ("a [b]", "x [y]", "[red]z", "note [1]"))
    assert all(part in terminal(TABLE) for part in ("71.40 ± 2.06", "2.300 ± 0.069", "first note", "second note"))


def terminal(table: Table) -> str:
    console = rich.console.Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        console.print(to_rich(table))
    return capture.get()


def test_latex_has_rules_and_nothing_unescaped() -> None:
    table = Table("50% of a_b", ("name", "R_tra"), (("x & y #1 {z} ~ \\", Quantity(12.345, 0.5)), ("v", None)), ("a < b ^ c",))
    assert to_latex(table) == (
        "\\begin{table}\n"
        "\\caption{50\\% of a\\_b}\n"
        "\\begin{tabular}{lr}\n"
        "\\toprule\n"
        "name & R\\_tra \\\\\n"
        "\\midrule\n"
        "x \\& y \\#1 \\{z\\} \\textasciitilde{} \\textbackslash{} & 12.35 $\\pm$ 0.50 \\\\\n"
        "v &  \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\par\\smallskip\\footnotesize a \\textless{} b \\textasciicircum{} c\n"
        "\\end{table}\n"
    )
