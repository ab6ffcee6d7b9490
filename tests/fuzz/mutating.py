"""Seeded ways to damage texts, bytes and plain values; all random numbers come from the given generator."""

import copy
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

NASTY = (
    "",
    " ",
    "nan",
    "NaN",
    "null",
    "None",
    "N/A",
    "\\N",
    "inf",
    "-inf",
    "1e999",
    "-0",
    "0",
    "1",
    "-1",
    "1.5",
    "1_0",
    "+1",
    "0x1F",
    "1,234",
    "1e3",
    "9" * 30,
    "9" * 400,
    "9223372036854775808",
    "true",
    "yes",
    "~",
    "[]",
    "{}",
    "[1",
    "{a: 1}",
    "- a",
    "*a",
    "&a b",
    "<<",
    "!!python/object:os.system x",
    "!!int ''",
    "2021-02-30",
    "2021-01-01T00:00:00Z",
    "12:30:45",
    "a|b",
    "|",
    "||",
    "a,b",
    '"',
    "'",
    '""',
    "'''",
    "#",
    "%",
    ":",
    "=1+1",
    "@x",
    "$\\frac{a$",
    "<script>",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\u202e",
    "\u200b",
    "\ufeff",
    "\u00e9",
    "e\u0301",
    "\u0663",
    "\U0001f600",
    "\ud7ff",
    "\r",
    "\n",
    "\r\n",
    "\t",
    "a" * 5_000,
    "../../etc/passwd",
    "/",
    ".",
    "..",
)
"""Unusual cells, keys and values."""

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    2**31,
    2**63,
    2**64,
    10**12,
    -(10**12),
    10**400,
    0.0,
    -0.0,
    0.5,
    1e-300,
    1e300,
    [],
    {},
    [1],
    [[]],
    [None, "a"],
    {"a": 1},
    {"mean": None, "std": None},
    "",
    "a",
    "1",
    "\x00",
    "x" * 3_000,
)
"""Plain values, as in JSON and YAML."""


def text(draw: random.Random, given: str) -> str:
    """Return `given` with one to four changes of characters, words or lines."""
    for _ in range(draw.randint(1, 4)):
        given = draw.choice(_TEXT)(draw, given)
    return given


def table(draw: random.Random, given: str) -> str:
    """Return a CSV text with some cells, rows or columns changed, or changed as a text."""
    if draw.random() < 0.3:
        return text(draw, given)
    rows = [line.split(",") for line in given.split("\n")]
    for _ in range(draw.randint(1, 4)):
        draw.choice(_TABLE)(draw, rows)
    return "\n".join(map(",".join, rows))


def content(draw: random.Random, given: bytes) -> bytes:
    """Return `given` with some bytes changed, removed, doubled or inserted."""
    changed = bytearray(given)
    for _ in range(draw.randint(1, 8)):
        place, length = draw.randint(0, len(changed)), draw.choice((1, 1, 2, 8, 100))
        if draw.random() < 0.5 and place < len(changed):
            changed[place] = draw.choice((0, 1, 0x7F, 0xFF, changed[place] ^ 1 << draw.randint(0, 7)))
        elif draw.random() < 0.3:
            del changed[place : place + length]
        elif draw.random() < 0.5:
            changed[place:place] = changed[place : place + length]
        elif draw.random() < 0.3:
            del changed[place:]
        else:
            changed[place:place] = draw.randbytes(length)
    return bytes(changed)


def value(draw: random.Random, given: Any) -> Any:
    """Return a plain value with one to three of its parts replaced, left out, renamed or doubled."""
    changed = json.loads(json.dumps(given))
    for _ in range(draw.randint(1, 3)):
        changed = _part(draw, changed)
    return changed


def _part(draw: random.Random, given: Any) -> Any:
    if isinstance(given, dict) and given and draw.random() < 0.9:
        key = draw.choice(list(given))
        chance = draw.random()
        if chance < 0.15:
            del given[key]
        elif chance < 0.25:
            given[draw.choice(NASTY)] = given.pop(key)
        elif chance < 0.3:
            given[draw.choice(NASTY)] = copy.deepcopy(draw.choice(VALUES))
        else:
            given[key] = _part(draw, given[key])
        return given
    if isinstance(given, list) and given and draw.random() < 0.8:
        place = draw.randrange(len(given))
        if draw.random() < 0.3:
            del given[place]
        elif draw.random() < 0.3:
            given.insert(place, copy.deepcopy(given[place]))
        else:
            given[place] = _part(draw, given[place])
        return given
    return copy.deepcopy(draw.choice((*VALUES, *NASTY)))  # else a second mutation would change what all later ones draw


def _with_word(draw: random.Random, given: str) -> str:
    place = draw.randint(0, len(given))
    return given[:place] + draw.choice(NASTY) + given[place:]


def _with_word_for_a_word(draw: random.Random, given: str) -> str:
    words = given.split(" ")
    words[draw.randrange(len(words))] = draw.choice(NASTY)
    return " ".join(words)


def _without_a_piece(draw: random.Random, given: str) -> str:
    place = draw.randint(0, len(given))
    return given[:place] + given[place + draw.choice((1, 2, 5, 40)) :]


def _lines_mixed(draw: random.Random, given: str) -> str:
    lines = given.split("\n")
    place = draw.randrange(len(lines))
    chance = draw.random()
    if chance < 0.3:
        lines.insert(draw.randint(0, len(lines)), lines[place])
    elif chance < 0.6:
        del lines[place]
    elif chance < 0.8:
        draw.shuffle(lines)
    else:
        lines[place] = " " * draw.choice((1, 2, 7, 2_000)) + lines[place]
    return "\n".join(lines)


def _deep(draw: random.Random, given: str) -> str:
    opening, closing = draw.choice(("[]", "{}", '""'))
    depth = draw.choice((5, 50, 2_000))
    return given + opening * depth + closing * draw.choice((0, depth))


_TEXT: Sequence[Callable[[random.Random, str], str]] = (
    _with_word,
    _with_word,
    _with_word_for_a_word,
    _without_a_piece,
    _lines_mixed,
    _deep,
    lambda draw, given: given.upper(),
    lambda draw, given: given.replace("\n", "\r\n"),
    lambda draw, given: "\ufeff" + given,
)


def _cell(draw: random.Random, rows: list[list[str]]) -> None:
    row = draw.choice(rows)
    row[draw.randrange(len(row))] = draw.choice(NASTY)


def _column(draw: random.Random, rows: list[list[str]]) -> None:
    place, word = draw.randrange(len(rows[0])), draw.choice(NASTY)
    for row in rows[1:]:
        row[place : place + 1] = [word]


def _header(draw: random.Random, rows: list[list[str]]) -> None:
    place = draw.randrange(len(rows[0]))
    name = rows[0][place]
    rows[0][place] = draw.choice(
        (name.upper(), f" {name}", name[:-1], name.replace("_", ""), "", rows[0][0], draw.choice(NASTY))
    )


def _row(draw: random.Random, rows: list[list[str]]) -> None:
    place = draw.randrange(len(rows))
    draw.choice(
        (rows.pop, lambda at: rows.insert(at, list(rows[at])), lambda at: rows[at].append("1"), lambda at: rows[at].pop())
    )(place)
    rows[:] = [row or [""] for row in rows] or [[""]]


def _ids(draw: random.Random, rows: list[list[str]]) -> None:
    spell = draw.choice(
        (lambda cell: f"{cell}.0", lambda cell: f"0{cell}", lambda cell: f" {cell}", lambda cell: f"{cell}\u200b")
    )
    place = draw.randrange(len(rows[0]))
    for row in rows[1:]:
        row[place : place + 1] = map(spell, row[place : place + 1])


_TABLE: Sequence[Callable[[random.Random, list[list[str]]], object]] = (_cell, _cell, _cell, _column, _header, _row, _ids)
