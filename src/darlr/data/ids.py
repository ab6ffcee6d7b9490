"""Raw ids, and the one rule by which an id from outside (Python, CSV, JSON, an option) matches one of a log's.

A log's ids are either all integers or all text. They are integers if every one is written as a program writes an integer
(`PLAIN_INTEGER`). An integer id is matched by 108, by 108.0, and by the texts "108" and "108.0". Leading zeros, a plus
sign, underscores, spaces and other scripts' digits make it another id. A text id is matched by this very text, and by the
integer that is written so. Nothing else matches; a message may only suggest the id that is spelled similarly.

The tables of a data set have to use the same texts throughout, since all have one author: there, 108.0 next to 108 is refused.
"""

import re
import unicodedata
from typing import Any

import numpy as np
import polars as pl

from darlr.data.log import Ids

Id = int | str

PLAIN_INTEGER = r"^(0|-?[1-9][0-9]*)$"
"""An integer as a program writes it: no sign but -, no leading zeros, ASCII digits."""

_WHOLE = re.compile(r"(0|-?[1-9][0-9]{0,18})(?:\.0+)?")
INVISIBLE = r"\p{Cf}\p{Cc}\p{Zl}\p{Zp}\x{3164}\x{115F}\x{1160}\x{FFA0}\x{034F}\x{2800}"
"""The inside of [] of a regular expression: marks without width or shape, which a reader of a file cannot see."""


class KnownIds:
    """The n raw ids of users, or of items, and their positions."""

    def __init__(self, ids: Ids) -> None:
        self.integers = ids.dtype.kind in "iu"
        self.ids: list[Id] = ids.tolist()
        self._place = {raw: place for place, raw in enumerate(self.ids)}
        self._alike: dict[str, Id] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def as_logged(self, given: Any) -> Any:
        """Return `given` in the form of the log's ids, known or not: 108 for "108" if the ids are integers."""
        value = given.item() if isinstance(given, np.generic) else given
        if not self.integers:
            return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and (whole := _WHOLE.fullmatch(value)):
            return int(whole[1])
        return value

    def find(self, given: Any) -> int | None:
        """Return the position of the id that `given` matches; None if there is none."""
        value = self.as_logged(given)
        return self._place.get(value) if isinstance(value, Id) and not isinstance(value, bool) else None

    def nearest(self, given: Any) -> Id | None:
        """Return the id of which the unknown `given` is another spelling (`folded`); None if there is none."""
        if self._alike is None:
            keys = folded(pl.Series("id", self.ids).cast(pl.String)).to_list()
            self._alike = dict(zip(reversed(keys), reversed(self.ids), strict=True))  # of several, the first
        key: str = folded(pl.Series("id", [str(given)])).item()
        return self._alike.get(key)

    def hint(self, given: Any) -> str:
        """Return the end of a message about the unknown `given`: a similarly spelled id, if there is one."""
        nearest = self.nearest(given)
        return "" if nearest is None else f"; did you mean {nearest!r}?"


def folded(texts: pl.Series) -> pl.Series:
    """Return (n,) keys, equal for texts that people take for the same.

    The keys ignore case, Unicode form, invisible marks, spaces, surrounding quotes, a sign +, leading zeros, and the
    notation of whole numbers: "108.0", "1.08E+02" and "1,080" have the keys of "108" and "1080".
    """
    ascii_only = texts.str.contains(r"^[\x00-\x7F]*$").fill_null(True)
    if not ascii_only.all():
        odd = texts.filter(~ascii_only).unique()
        texts = texts.replace(odd, pl.Series([_ascii_digits(unicodedata.normalize("NFKC", text)) for text in odd.to_list()]))
    texts = texts.str.replace_all(rf"[{INVISIBLE}]", "").str.to_lowercase().str.replace_all(r"\s+", "")
    texts = texts.str.replace(r"^b?'(.*)'$", "${1}").str.replace(r'^b?"(.*)"$', "${1}")
    texts = _rewritten(texts, r"^[+-]?[0-9]{1,3}([,_'][0-9]{3})+(\.0*)?$", lambda text: re.sub("[,_']", "", text))
    texts = texts.str.replace(r"^([+-]?[0-9]+)\.0*$", "${1}").str.replace(r"^\+([0-9])", "${1}")
    texts = _rewritten(texts, r"^-?[0-9](\.[0-9]+)?e\+?[0-9]{1,2}$", _whole)
    return texts.str.replace(r"^(-?)0+([0-9])", "${1}${2}")


def _rewritten(texts: pl.Series, pattern: str, rewrite: Any) -> pl.Series:
    """Return `texts` with those that match `pattern` rewritten; there are few of them."""
    matching = texts.str.contains(pattern).fill_null(False)
    if not matching.any():
        return texts
    found = texts.filter(matching).unique()
    return texts.replace(found, pl.Series([rewrite(text) for text in found.to_list()]))


def _ascii_digits(text: str) -> str:
    """Replace digits of other scripts, which compatibility forms keep, by ASCII's, and fold the case of letters."""
    return "".join(str(unicodedata.decimal(letter, letter)) for letter in text.casefold())


def _whole(text: str) -> str:
    value = float(text)
    return str(int(value)) if value.is_integer() and abs(value) < 2**63 else text
