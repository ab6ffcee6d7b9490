"""One table, three renderings."""

import csv
import io

import pytest
import rich.console

from darlr.report.rendering.table import Quantity, Table, significance, to_csv, to_latex, to_markdown, to_rich, with_best

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


def test_latex_tells_the_best_and_what_is_significant() -> None:
    rows = with_best([("a", Quantity(1.0, 0.1)), ("b", Quantity(3.0, 0.2)), ("list", Quantity(9.0))], {1: "higher"}, among=2)
    marked = Quantity(2.0, mark=significance(0.004))
    text = to_latex(Table("t", ("method", "R_tra", "difference"), ((*rows[0], None), (*rows[1], marked), (*rows[2], None))))
    assert r"b & \textbf{3.000 $\pm$ 0.200} & 2.000\textsuperscript{{*}{*}} \\" in text
    assert text.count("textbf") == 1
    assert "Bold: the best of its column among the methods." in text
    assert r"{*} p \textless{} 0.05, {*}{*} p \textless{} 0.01, {*}{*}{*} p \textless{} 0.001." in text


@pytest.mark.parametrize(
    ("values", "better", "best"),
    [
        ([1.0, 2.0], "higher", [False, True]),
        ([1.0, 2.0], "lower", [True, False]),
        ([1.0, 2.0], None, [False, False]),
        ([2.0, 2.0001], "higher", [True, True]),  # a reader sees the same number
        ([2.0], "higher", [False]),
    ],
)
def test_the_best_of_a_column(values: list[float], better: str | None, best: list[bool]) -> None:
    rows = with_best([(Quantity(value),) for value in values], {0: better}, among=len(values))
    assert [cell.best for (cell,) in rows if isinstance(cell, Quantity)] == best


@pytest.mark.parametrize(("p", "mark"), [(None, ""), (0.05, ""), (0.049, "*"), (0.009, "**"), (0.0001, "***")])
def test_marks_of_significance(p: float | None, mark: str) -> None:
    assert significance(p) == mark


def test_a_lead_stands_above_the_rows() -> None:
    table = Table("title", ("a",), (("1",),), lead="ours beats *all*")
    assert to_markdown(table).startswith("### title\n\n**ours beats \\*all\\***\n\n| a |")
    assert to_latex(table).startswith("% ours beats *all*\n")
