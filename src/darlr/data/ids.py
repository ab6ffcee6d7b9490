"""What a raw id is, and by which rule one is matched: files, frames and requests all ask here.

An id is its text. An integer stands for its decimal digits, so 108 and "108" are one id; "108.0", "+108", "0108", "1_08" and
digits of other scripts are others. Where every id of a log is such an integer, the log holds integers, else text. Nothing is
guessed: what does not match is unknown, and only a message says which id of the log is spelled alike.
"""

import difflib
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl

from darlr.data.log import Ids

PLAIN_INTEGER = r"^(0|-?[1-9][0-9]*)$"
"""An integer as a program writes it: no sign but -, no leading zeros, ASCII digits."""

INVISIBLE = r"[\p{Cf}\p{Cc}\p{Zl}\p{Zp}\u{3164}\u{115F}\u{1160}\u{FFA0}\u{034F}\u{2800}\u{FE00}-\u{FE0F}]"
"""Marks that take no room or show nothing, which no reader of a file can see."""

NEAREST_AMONG = 20_000
"""Ids that are compared letter by letter at most; beyond, only spellings of the same id are suggested."""


def text_of(raw: object) -> str | None:
    """The text of an id as a program has it, or None for what is no id: neither an integer nor text (a bool, 108.0, None)."""
    if isinstance(raw, np.generic):
        raw = raw.item()
    if isinstance(raw, str):
        return raw
    return str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else None


def folded(texts: pl.Series) -> pl.Series:
    """(n,) keys that ids share which people take for the same: without case, Unicode form, invisible marks, spaces, quotes,
    a sign +, leading zeros, and the decimals of a whole number ("108.0", "1.08E+02", "1,080").
    """
    ascii_only = texts.str.contains(r"^[\x00-\x7F]*$").fill_null(True)
    if not ascii_only.all():
        odd = texts.filter(~ascii_only).unique()
        # Digits of other scripts stay digits under NFKC, but not ASCII's.
        plain = pl.Series([_ascii_digits(unicodedata.normalize("NFKC", text).casefold()) for text in odd.to_list()])
        texts = texts.replace(odd, plain)
    texts = texts.str.replace_all(INVISIBLE, "").str.to_lowercase().str.replace_all(r"\s+", "")
    texts = texts.str.replace(r"^b?'(.*)'$", "${1}").str.replace(r'^b?"(.*)"$', "${1}")
    grouped = texts.str.contains(r"^[+-]?[0-9]{1,3}([,_'][0-9]{3})+(\.0*)?$").fill_null(False)
    if grouped.any():
        texts = texts.replace(texts.filter(grouped), texts.filter(grouped).str.replace_all(r"[,_']", ""))
    texts = texts.str.replace(r"^([+-]?[0-9]+)\.0*$", "${1}").str.replace(r"^\+", "")
    scientific = texts.str.contains(r"^-?[0-9](\.[0-9]+)?e\+?[0-9]{1,2}$").fill_null(False)
    if scientific.any():
        found = texts.filter(scientific).unique()
        texts = texts.replace(found, pl.Series([_whole(text) for text in found.to_list()]))
    return texts.str.replace(r"^(-?)0+([0-9])", "${1}${2}")


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.digit(letter, letter)) for letter in text)


def _whole(text: str) -> str:
    value = float(text)
    return str(int(value)) if value.is_integer() and abs(value) < 2**63 else text


@dataclass(frozen=True)
class KnownIds:
    """The n distinct raw ids of a log's users or items, and how others are matched with them.

    Attributes:
        ids: (n,) int64 where every id is a plain integer, else text.
        texts: (n,) the same ids as text.
    """

    ids: Ids
    texts: pl.Series

    @classmethod
    def of(cls, ids: Ids) -> Self:
        """Those of a log, in their own order."""
        return cls(ids, pl.Series("id", ids.tolist()).cast(pl.String))

    def __len__(self) -> int:
        return len(self.texts)

    def position(self, raw: object) -> int | None:
        """The index of an id as a program has it, by the rule above; None where the log does not know it."""
        text = text_of(raw)
        return None if text is None else self._positions.get(text)

    def likeliest(self, raw: object) -> int | str | None:
        """For "did you mean": the id that an unknown one is another spelling of, else one that differs in a letter or two."""
        text = str(raw)
        key = folded(pl.Series([text])).item()
        alike = self._by_key.get(key)
        if alike is None and len(self) <= NEAREST_AMONG and not key.lstrip("-").isdigit():
            alike = next(iter(difflib.get_close_matches(text, self._positions, n=1, cutoff=0.8)), None)
        if alike is None:
            return None
        found: int | str = self.ids[self._positions[alike]].item()
        return found

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {text: position for position, text in enumerate(self.texts.to_list())}

    @cached_property
    def _by_key(self) -> dict[str, str]:
        keys = folded(self.texts).to_list()
        return dict(zip(reversed(keys), reversed(self.texts.to_list()), strict=True))  # the first of several
