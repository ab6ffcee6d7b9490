"""Escaping of outside text, one function for each medium that darlr writes, so that no name, id or value acts as markup.

Names of data sets, methods, categories and columns, ids, folders and values of settings come from files that anybody may
have made. Code that writes them into a medium passes them through the function for that medium.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

MESSAGE = 1_000
"""The largest number of characters of a message."""
VALUE = 120
"""The largest number of characters of a value that is shown within a message."""

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
"""The beginning of a cell that a spreadsheet may compute. A number such as -3 begins so, too, but is only shown."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_])")  # _ inside a word marks nothing up
_MARKDOWN_START = re.compile(r"^(\d*)([-+=#.)])")
_LATEX: Mapping[int, str] = MappingProxyType(
    str.maketrans(
        {
            **{character: f"\\{character}" for character in "&%$#_{}"},
            **{character: f"{{{character}}}" for character in "[]*"},  # after \\ they are its arguments
            "±": r"$\pm$",
            "↑": r"$\uparrow$",
            "↓": r"$\downarrow$",
            "·": r"$\cdot$",
            "–": "--",
            "~": r"\textasciitilde{}",
            "^": r"\textasciicircum{}",
            "`": r"\textasciigrave{}",
            "\\": r"\textbackslash{}",
            "<": r"\textless{}",
            ">": r"\textgreater{}",
            "|": r"\textbar{}",
        }
    )
)


def visible(text: str) -> str:
    """Put `text` on one line; characters that do not print (control characters, line ends, marks without width) become escapes.

    A terminal then obeys no escape sequence in the text, and no direction mark reverses it. The escapes are Python's.
    """
    if text.isprintable():
        return text
    return "".join(part if part.isprintable() else part.encode("unicode_escape").decode() for part in text)


def on_terminal(text: str) -> str:
    """Make every line of `text` visible, so that a terminal obeys nothing in it."""
    return "\n".join(map(visible, text.split("\n")))


def shortened(text: str, most: int) -> str:
    """Shorten `text` to its beginning and end, `most` characters in all, and say how many characters are left out between
    them.
    """
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end]}... ({len(text) - most:,} more characters) ...{text[-end:]}"


def message(text: str) -> str:
    """Turn `text` into a message: one line of a bounded length."""
    return shortened(visible(shortened(text, MESSAGE)), MESSAGE)


def brief(value: Any, most: int = VALUE) -> str:
    """Show a value within a message as Python's `repr`, shortened to `most` characters."""
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # whole numbers of more than 4,300 digits, nesting without end
        return f"a {type(value).__name__} that is too long to be shown"
    return shortened(shown, most)


def counted(number: int, noun: str) -> str:
    """`1 run`, `2,000 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def markdown(text: str) -> str:
    """Escape `text` within a line of Markdown."""
    return _MARKDOWN.sub(r"\\\g<0>", visible(text))


def markdown_line(text: str) -> str:
    """Escape `text` as a whole line of Markdown, so that it begins no list and no heading."""
    return _MARKDOWN_START.sub(r"\1\\\2", markdown(text))


def latex(text: str) -> str:
    """Escape `text` for a LaTeX document."""
    return visible(text).translate(_LATEX)


def is_formula(value: Any) -> bool:
    """Return whether a spreadsheet would compute a cell with this `value` instead of showing it."""
    return isinstance(value, str) and bool(_FORMULA.match(value)) and not _NUMBER.fullmatch(value)


def spreadsheet(text: str) -> str:
    """Escape `text` as a cell of a CSV file, so that a spreadsheet shows it and does not compute it."""
    return f"'{visible(text)}" if is_formula(text) else visible(text)


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Write `rows` as CSV for spreadsheets; numbers keep their full precision."""
    text = io.StringIO()
    cells = ([spreadsheet(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue()
