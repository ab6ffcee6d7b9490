"""One escape for each medium."""

import csv
import io
import re

import markdown_it
import pytest

from darlr.errors import InputError, RunError, out_of_memory, unknown
from darlr.text import (
    MESSAGE,
    brief,
    csv_text,
    is_formula,
    latex,
    markdown,
    markdown_line,
    on_terminal,
    shortened,
    spreadsheet,
    visible,
)
from tests.hostile import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_message_moves_a_terminal(name: str) -> None:
    for text in (visible(name), str(InputError(f"key 'name' is {name}")), str(unknown("data set", name, ["coat"]))):
        assert text.isprintable()
        text.encode()
    assert visible(visible(name)) == visible(name)


def test_lines_for_a_terminal_stay_lines() -> None:
    assert on_terminal("user_id,rank\na\x1b[31mb,1\n") == "user_id,rank\na\\x1b[31mb,1\n"
    assert on_terminal("") == ""
    assert on_terminal("[\n  1\n]") == "[\n  1\n]"


def test_what_prints_stays() -> None:
    assert visible("Zoë's 漢字 / 😀 \\n") == "Zoë's 漢字 / 😀 \\n"
    assert visible("\x1b[2J\n\t\u200b\ud800\U000e0001") == "\\x1b[2J\\n\\t\\u200b\\ud800\\U000e0001"


@pytest.mark.parametrize("length", [MESSAGE - 1, MESSAGE + 1, 10_000, 3_000_000])
@pytest.mark.parametrize("letter", ["a", "\n", "\U000e0001"])
def test_a_message_is_bounded_and_keeps_both_ends(length: int, letter: str) -> None:
    told = str(InputError(f"c.yaml: {letter * length}; expected a number"))
    assert len(told) < MESSAGE + 50
    assert told.startswith("c.yaml: ")
    assert told.endswith("; expected a number")


def test_a_message_may_be_told_again() -> None:
    told = str(InputError("c.yaml: " + "a" * 5_000))
    assert len(str(InputError(f"folder: {told}"))) < MESSAGE + 100
    assert shortened("abc", 3) == "abc"
    assert shortened("abcdefghi", 6) == "abcd... (3 more characters) ...hi"


def test_values_that_cannot_be_written_out_are_told() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert brief(10**5_000) == "a int that is too long to be shown"
    assert brief(nested) == "a list that is too long to be shown"
    assert brief("a" * 500, 10) == "'aaaaaa... (492 more characters) ...aa'"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["### {}", "| a |\n| --- |\n| {} |", "{}  "])
def test_markdown_shows_it_as_it_is(name: str, place: str) -> None:
    escaped = markdown_line(name) if place.startswith("{") else markdown(name)
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).parse(place.format(escaped))
    inline = tokens[[token.type for token in tokens].index("inline", 4 if place.startswith("|") else 0)]
    if place.startswith("|"):
        inline = [token for token in tokens if token.type == "inline"][-1]
    assert {token.type for token in inline.children or ()} <= {"text", "text_special"}
    assert "".join(token.content for token in inline.children or ()).strip() == visible(name).strip()


@pytest.mark.parametrize("name", NAMES)
def test_latex_has_no_command_of_a_names(name: str) -> None:
    escaped = latex(name)
    commands = set(re.findall(r"\\([a-zA-Z]+|.)", escaped))
    ours = {"textasciitilde", "textasciicircum", "textasciigrave", "textbackslash", "textless", "textgreater", "textbar", "pm"}
    assert commands <= ours | set("&%$#_{}")
    assert not re.search(r"(?<!\\)[&%$#_^~]", escaped)
    assert not escaped.startswith(("[", "*"))  # after \\ it would be read as an argument


@pytest.mark.parametrize("name", NAMES)
def test_spreadsheets_show_and_do_not_compute(name: str) -> None:
    [[cell, number]] = csv.reader(io.StringIO(csv_text([(name, -1.5)])))
    assert not cell.lstrip().startswith(tuple("=+-@"))
    assert cell.removeprefix("'") == visible(name)
    assert number == "-1.5"


@pytest.mark.parametrize("cell", ["=A1", " =A1", "\t=A1", "\rx", "+A1", "-A1", "@A1", "-1+1", "--1", "\uff1dA1"])
def test_formulas_are_known(cell: str) -> None:
    assert is_formula(cell)
    assert spreadsheet(cell).startswith("'")


@pytest.mark.parametrize("cell", ["a=1", "-1", "+1.5", "-2e-7", "", "'=1", -1, None, 2.5])
def test_what_is_no_formula_stays(cell: object) -> None:
    assert not is_formula(cell)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 8.00 GiB for an array with shape (1,)"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to\nallocate 9"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    ],
)
def test_memory_that_runs_out_is_a_refusal(error: Exception) -> None:
    refusal = out_of_memory(error)
    assert isinstance(refusal, RunError)
    assert str(refusal).startswith("memory ran out")
    assert refusal.exit_code == 3


def test_other_errors_are_defects() -> None:
    assert out_of_memory(RuntimeError("shapes differ")) is None
    assert out_of_memory(ValueError("can't allocate memory")) is None
