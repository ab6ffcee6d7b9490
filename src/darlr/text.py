"""Text from outside in all that darlr writes: one escape for each medium, so that no name, id or value is ever markup.

Names of data sets, methods, categories and columns, ids, folders and values of settings come from files that anybody may have
made. Whoever writes them into a medium passes them through its function here.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

MESSAGE = 1_000
"""Characters of a message at most."""
VALUE = 120
"""Characters of a value that is shown within a message."""

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
"""With what a cell begins that a spreadsheet may compute; a number it only shows."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_])")  # _ inside a word marks nothing up
_MARKDOWN_START = re.compile(r"^(\d*)([-+=#.)])")
_LATEX: Mapping[int, str] = MappingProxyType(
    str.maketrans(
        {
            **{character: f"\\{character}" for character in "&%$#_{}"},
            **{character: f"{{{character}}}" for character in "[]*"},  # after \\ they are its arguments
            "±": r"$\pm$",
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
    """`text` on one line: what does not print (control characters, line ends, marks without width) as Python's escapes.

    A terminal obeys no escape sequence in it, and no direction mark turns it around.
    """
    if text.isprintable():
        return text
    return "".join(part if part.isprintable() else part.encode("unicode_escape").decode() for part in text)


def on_terminal(text: str) -> str:
    """Lines of `text` for a terminal, which is to obey nothing that stands in them."""
    return "\n".join(map(visible, text.split("\n")))


def shortened(text: str, most: int) -> str:
    """`text`, or its beginning and end with `most` characters together, and how many are left out between them."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end]}... ({len(text) - most:,} more characters) ...{text[-end:]}"


def message(text: str) -> str:
    """`text` as a message: one line of a bounded length."""
    return shortened(visible(shortened(text, MESSAGE)), MESSAGE)


def brief(value: Any, most: int = VALUE) -> str:
    """A value within a message, as Python shows it, shortened."""
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # whole numbers of more than 4,300 digits, nesting without end
        return f"a {type(value).__name__} that is too long to be shown"
    return shortened(shown, most)


def counted(number: int, noun: str) -> str:
    """`1 run`, `2,000 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def markdown(text: str) -> str:
    """`text` within a line of Markdown."""
    return _MARKDOWN.sub(r"\\\g<0>", visible(text))


def markdown_line(text: str) -> str:
    """`text` as a line of Markdown of its own, which begins no list and no heading."""
    return _MARKDOWN_START.sub(r"\1\\\2", markdown(text))


def latex(text: str) -> str:
    """`text` within LaTeX's text."""
    return visible(text).translate(_LATEX)


def is_formula(value: Any) -> bool:
    """Whether a spreadsheet would compute a CSV file's cell with this `value` instead of showing it."""
    return isinstance(value, str) and bool(_FORMULA.match(value)) and not _NUMBER.fullmatch(value)


def spreadsheet(text: str) -> str:
    """`text` as a CSV file's cell that a spreadsheet shows and does not compute."""
    return f"'{visible(text)}" if is_formula(text) else visible(text)


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """CSV for spreadsheets, with full precision."""
    text = io.StringIO()
    cells = ([spreadsheet(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue()
