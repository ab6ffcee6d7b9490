"""Names of columns: suggestions for a misspelled one, and columns that only number the rows.

A column is only read under its exact name; a message makes the suggestion.
"""

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence

import polars as pl

from darlr.data.parsing.types import is_cell

ENTITY = ("", "_id", "id", "ids", "_no", "number", "_key", "_uuid", "_index", "_idx", "_code")
SYNONYMS: Mapping[str, frozenset[str]] = {
    name: frozenset(re.sub("[^a-z0-9]", "", synonym) for synonym in synonyms)
    for name, synonyms in {
        "user_id": [
            *(f"{who}{end}" for who in ("user", "u", "customer", "client", "member", "visitor", "person") for end in ENTITY),
            *(f"{who}{end}" for who in ("session", "account", "reviewer", "viewer", "listener", "reader") for end in ENTITY),
            *("consumer_id", "subscriber_id", "profile_id", "device_id", "cookie_id", "player_id", "author_id", "username"),
        ],
        "item_id": [
            *(f"{what}{end}" for what in ("item", "i", "product", "movie", "video", "film", "song", "track") for end in ENTITY),
            *(
                f"{what}{end}"
                for what in ("book", "article", "news", "game", "content", "photo", "poi", "venue")
                for end in ENTITY
            ),
            *("asin", "parent_asin", "sku", "isbn", "artist_id", "business_id", "recipe_id", "ad_id", "offer_id", "story_id"),
            *("doc_id", "document_id", "listing_id", "hotel_id", "course_id", "anime_id", "post_id", "clip_id", "show_id"),
        ],
        "reward": [
            *("rewards", "rating", "ratings", "rate", "star", "stars", "score", "scores", "feedback", "label", "value"),
            *(
                "click",
                "clicks",
                "clicked",
                "is_click",
                "like",
                "likes",
                "liked",
                "is_like",
                "watch_ratio",
                "target",
                "response",
            ),
            *("user_rating", "overall", "preference", "relevance", "event", "event_type", "weight", "count", "plays", "y"),
        ],
        "timestamp": [
            *("timestamps", "time", "times", "ts", "t", "date", "datetime", "time_ms", "timestamp_ms", "timestamp_s", "unix"),
            *(
                "unix_time",
                "unix_timestamp",
                "unix_review_time",
                "epoch",
                "created",
                "created_at",
                "created_time",
                "updated_at",
            ),
            *("event_time", "event_timestamp", "event_date", "rated_at", "rating_time", "rating_timestamp", "review_time"),
            *("review_date", "click_time", "clicked_at", "logged_at", "occurred_at", "visit_time", "day", "when", "moment"),
        ],
        "categories": [
            *(
                "category",
                "cats",
                "cat",
                "genre",
                "genres",
                "tag",
                "tags",
                "topic",
                "topics",
                "kind",
                "kinds",
                "class",
                "classes",
            ),
            *(
                "category_id",
                "category_ids",
                "category_name",
                "category_names",
                "genre_id",
                "genre_ids",
                "genre_names",
                "tag_ids",
            ),
            *("main_category", "item_category", "item_categories", "product_category", "categories_ids", "feat", "keywords"),
        ],
    }.items()
}
"""Other names of columns, in the form that `_bare` returns."""

SEPARATORS = (";", "\t", "|")

_UNNAMED = re.compile(r"\s*|Unnamed: \d+(_level_\d+)?(\.\d+)*|__index_level_\d+__|level_\d+|\.\.\.\d+|_c\d+|_duplicated_\d+")
_INDEX = frozenset(
    {"index", "idx", "row", "rows", "rownames", "rowname", "rownum", "rownr", "rownumber", "rowindex", "rowid", "x"}
)


def meant(name: str, others: Sequence[str]) -> str | None:
    """Return the name among `others` that may have been meant for the column `name`: a similar spelling, or a synonym."""
    bare = {other: _bare(other) for other in others}
    alike = [other for other, text in bare.items() if text == _bare(name)]
    synonyms = [other for other, text in bare.items() if text in SYNONYMS.get(name, ())]
    near = [other for other, text in bare.items() if text and difflib.SequenceMatcher(None, text, _bare(name)).ratio() >= 0.85]
    return next(iter([*alike, *synonyms, *near]), None)


def separator_of(header: Sequence[str]) -> str | None:
    """Return the likely separator of a table that was read as one column: ";", "|" or a tab; None if there is none."""
    return next((mark for mark in SEPARATORS if len(header) == 1 and mark in header[0]), None)


def numbers_rows(column: pl.Series) -> bool:
    """Return whether a column only numbers the rows: it has no name, or counts from 0 or 1."""
    if _UNNAMED.fullmatch(column.name):
        return True
    if _bare(column.name) not in _INDEX or not is_cell(column.dtype):
        return False
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() or numbers[0] not in (0.0, 1.0):
        return False
    return bool((numbers.diff().drop_nulls() == 1.0).all())


def _bare(name: str) -> str:
    """Return a name without case, spaces, accents, and marks between words."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalnum())
