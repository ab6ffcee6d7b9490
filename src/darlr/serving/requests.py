"""Reading whom to recommend to, and writing the answers, as CSV or JSON."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from darlr.artifacts.files import decode_json
from darlr.data.log import Ids
from darlr.errors import InputError
from darlr.reading import read_text
from darlr.serving.recommender import Id, Recommendation, Request

COLUMNS = ("user_id", "item_id", "reward")


def requests_for(users: Sequence[str], known: Ids) -> list[Request]:
    """A request without recent items for each of the raw ids `users`; for all `known` users if none is named."""
    if not users:
        return [Request(user) for user in known.tolist()]
    return [Request(_as_logged(user, known)) for user in users]


def read_requests(path: Path, users: Ids, items: Ids) -> list[Request]:
    """The requests in a file; raises `InputError` naming file and line (or entry).

    CSV: columns user_id, item_id, reward; a row for each recent item, oldest first; a user without any has one row with the
    other cells blank. JSON: a list of {"user": id or null, "items": [...], "rewards": [...]}.
    """
    text = read_text(path)
    if path.suffix.lower() == ".json":
        return _from_json(decode_json(text, str(path)), path)
    return _from_csv(text, path, users, items)


def _from_json(entries: Any, path: Path) -> list[Request]:
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected a list of requests")
    requests = []
    for number, entry in enumerate(entries, start=1):
        place = f"{path}, request {number}"
        if not isinstance(entry, dict) or not entry.keys() <= {"user", "items", "rewards"}:
            raise InputError(f'{place}: expected an object with "user", "items" and "rewards"')
        user, items, rewards = entry.get("user"), entry.get("items", []), entry.get("rewards", [])
        if user is not None and not _is_id(user):
            raise InputError(f'{place}: "user" is {user!r}; expected an id or null')
        if not isinstance(items, list) or not all(map(_is_id, items)):
            raise InputError(f'{place}: "items" is {items!r}; expected a list of item ids')
        if not isinstance(rewards, list) or not all(
            isinstance(reward, (int, float)) and not isinstance(reward, bool) for reward in rewards
        ):
            raise InputError(f'{place}: "rewards" is {rewards!r}; expected a list of numbers')
        requests.append(Request(user, tuple(items), tuple(rewards)))
    return requests


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _from_csv(text: str, path: Path, users: Ids, items: Ids) -> list[Request]:
    recent: dict[str, list[tuple[Id, float]]] = {}
    for line, row in _rows(text, path):
        history = recent.setdefault((row["user_id"] or "").strip(), [])
        item = (row["item_id"] or "").strip()
        if not item:
            continue
        try:
            history.append((_as_logged(item, items), float(row["reward"])))
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: line {line}, column 'reward' is {row['reward']!r}; expected a number") from error
    return [
        Request(
            _as_logged(user, users) if user else None,
            tuple(item for item, _ in history),
            tuple(reward for _, reward in history),
        )
        for user, history in recent.items()
    ]


def _rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file, each with the number of its last line."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    before = 0  # the last line of the row before
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise InputError(f"{path}: column '{missing[0]}' is missing; expected {', '.join(COLUMNS)}")
        before = rows.line_num
        for row in rows:
            before = rows.line_num
            yield before, row
    except csv.Error as error:
        raise InputError(f"{path}: line {before + 1}: not valid CSV ({error}); expected every quote to be closed") from error


def _as_logged(text: str, ids: Ids) -> Id:
    """A raw id as the log would have it: an integer where all of the log's `ids` are and `text` is one."""
    if np.issubdtype(ids.dtype, np.integer):
        with contextlib.suppress(ValueError):
            return int(text)
    return text


def format_answers(requests: Sequence[Request], answers: Sequence[Sequence[Recommendation]], kind: str) -> str:
    """CSV (user_id, rank, item_id, score) or JSON ([{"user", "items", "scores"}])."""
    if kind == "json":
        entries = [
            {"user": request.user, "items": [r.item for r in answer], "scores": [r.score for r in answer]}
            for request, answer in zip(requests, answers, strict=True)
        ]
        return json.dumps(entries, indent=1) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("user_id", "rank", "item_id", "score"))
    for request, answer in zip(requests, answers, strict=True):
        for rank, recommendation in enumerate(answer, start=1):
            writer.writerow((request.user, rank, recommendation.item, f"{recommendation.score:.6g}"))
    return text.getvalue()
