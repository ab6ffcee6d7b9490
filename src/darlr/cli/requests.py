"""Reading whom to recommend to, and writing the answers, as CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from darlr.artifacts.files import decode_json, read_text
from darlr.data.log import Ids
from darlr.errors import InputError
from darlr.recommender import Id, Recommendation, Request

COLUMNS = ("user_id", "item_id", "reward")


def requests_for(users: Sequence[str], known: Ids) -> list[Request]:
    """A request without recent items for each of the raw ids `users`; for all `known` users if none is named."""
    if not users:
        return [Request(user.item()) for user in known]
    return [Request(_id(user, known, "--users")) for user in users]


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
        if user is not None and not isinstance(user, (int, str)):
            raise InputError(f'{place}: "user" is {user!r}; expected an id or null')
        if not isinstance(items, list) or not all(isinstance(item, (int, str)) for item in items):
            raise InputError(f'{place}: "items" is {items!r}; expected a list of item ids')
        if not isinstance(rewards, list) or not all(
            isinstance(reward, (int, float)) and not isinstance(reward, bool) for reward in rewards
        ):
            raise InputError(f'{place}: "rewards" is {rewards!r}; expected a list of numbers')
        requests.append(Request(user, tuple(items), tuple(rewards)))
    return requests


def _from_csv(text: str, path: Path, users: Ids, items: Ids) -> list[Request]:
    rows = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise InputError(f"{path}: column '{missing[0]}' is missing; expected {', '.join(COLUMNS)}")
    recent: dict[str, list[tuple[Id, float]]] = {}
    for row in rows:
        place = f"{path}: line {rows.line_num}"
        history = recent.setdefault((row["user_id"] or "").strip(), [])
        item = (row["item_id"] or "").strip()
        if not item:
            continue
        try:
            history.append((_id(item, items, place), float(row["reward"])))
        except (TypeError, ValueError) as error:
            raise InputError(f"{place}, column 'reward' is {row['reward']!r}; expected a number") from error
    integers = np.issubdtype(users.dtype, np.integer)
    return [
        Request(
            int(user) if integers and user.isdecimal() else user or None,
            tuple(item for item, _ in history),
            tuple(reward for _, reward in history),
        )
        for user, history in recent.items()
    ]


def _id(text: str, ids: Ids, place: str) -> Id:
    """A raw id as the log has it: an integer where all of the log's are."""
    if not np.issubdtype(ids.dtype, np.integer):
        return text
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"{place}: id {text!r}; expected an integer, as all ids of the log are") from error


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
