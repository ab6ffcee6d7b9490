"""Reading whom to recommend to, and writing the answers, as CSV or JSON."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from darlr.artifacts.files import decode_json
from darlr.data.ids import Id, KnownIds
from darlr.data.log import Ids
from darlr.errors import InputError
from darlr.reading import read_text
from darlr.serving.messages import Answer, Request
from darlr.text import brief, is_formula

COLUMNS = ("user_id", "item_id", "reward")
MOST_BYTES = 1 << 30  # of a file of requests
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def requests_for(users: Sequence[str], known: Ids) -> list[Request]:
    """A request without recent items for each of the raw ids `users`; for all `known` users if none is named."""
    return [Request(user) for user in (map(KnownIds(known).as_logged, users) if users else known.tolist())]


def read_requests(path: Path, users: Ids, items: Ids) -> list[Request]:
    """The requests in a file; raises `InputError` naming file and line (or entry).

    CSV: columns user_id, item_id, reward; a row for each recent item, oldest first; a user without any has one row with the
    other cells blank. JSON: a list of {"user": id or null, "items": [...], "rewards": [...]}.

    Args: users, items: the log's, which say how ids are read (`darlr.data.ids`). Rows of one user make one request.
    """
    text = read_text(path, at_most=MOST_BYTES)
    if path.suffix.lower() == ".json":
        return _from_json(decode_json(text, str(path)), path)
    return _from_csv(text, path, KnownIds(users), KnownIds(items))


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
            raise InputError(f'{place}: "user" is {brief(user)}; expected an id or null')
        if not isinstance(items, list) or not all(map(_is_id, items)):
            raise InputError(f'{place}: "items" is {brief(items)}; expected a list of item ids')
        if not isinstance(rewards, list) or not all(map(_is_number, rewards)):
            raise InputError(f'{place}: "rewards" is {brief(rewards)}; expected a list of numbers')
        requests.append(Request(user, tuple(items), tuple(rewards)))
    return requests


def _is_id(value: Any) -> bool:
    return (isinstance(value, str) and value != "") or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _from_csv(text: str, path: Path, users: KnownIds, items: KnownIds) -> list[Request]:
    recent: dict[Id, list[tuple[Id, float]]] = {}
    for place, (user, item, reward) in _rows(text, path):
        history = recent.setdefault(users.as_logged(user), [])
        if item:
            if not _NUMBER.fullmatch(reward) or not math.isfinite(float(reward)):
                raise InputError(f"{place}, column 'reward' is {brief(reward)}; expected a number")
            history.append((items.as_logged(item), float(reward)))
        elif reward:
            raise InputError(f"{place}: a reward of {brief(reward)} without an item; expected both or none")
    return [
        Request(None if user == "" else user, tuple(item for item, _ in history), tuple(reward for _, reward in history))
        for user, history in recent.items()
    ]


def _rows(text: str, path: Path) -> Iterator[tuple[str, list[str]]]:
    """The cells of `COLUMNS` of every row that is not blank, and where the row stands, as "a.csv: line 3"."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1  # on which the row begins
    try:
        header = next((cells for cells in rows if cells), [])
        for name in COLUMNS:
            if header.count(name) != 1:
                what = "is missing" if name not in header else "stands twice"
                raise InputError(f"{path}: column '{name}' {what}; expected {', '.join(COLUMNS)}")
        if twice := [name for name in header if header.count(name) > 1]:
            raise InputError(f"{path}: column '{twice[0]}' stands twice; expected each once")
        columns = [header.index(name) for name in COLUMNS]
        line = rows.line_num + 1
        for cells in rows:
            place = f"{path}: line {line}"
            if cells and len(cells) != len(header):
                raise InputError(f"{place} has {len(cells)} cells; expected {len(header)} like its header")
            for name, cell in zip(header, cells, strict=False):
                if name in COLUMNS and cell.strip() != cell:
                    raise InputError(f"{place}, column '{name}' is {brief(cell)}; expected no spaces around it")
            if cells:
                yield place, [cells[column] for column in columns]
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {line}: not valid CSV ({error}); expected every quote to be closed") from error


def note_lines(answers: Sequence[Answer], kind: str, most: int) -> Iterator[str]:
    """What is to be told of a batch that is written as `kind`: `most` notes with their requests, and how many more."""
    notes = [(number, answer, note) for number, answer in enumerate(answers, start=1) for note in answer.notes]
    for number, answer, note in notes[:most]:
        yield f"request {number}, user {brief(answer.user)}: {note}"
    if len(notes) > most:
        requests = len({number for number, *_ in notes})
        told = f"{requests:,} of {len(answers):,} requests have any, and --format json has all"
        yield f"{len(notes) - most:,} more such notes; {told}"
    formulas = sum(is_formula(answer.user) or any(is_formula(entry.item) for entry in answer) for answer in answers)
    if kind == "csv" and formulas:
        yield f"ids in {formulas:,} answers begin as formulas do (= + - @); they are as in the log, so import them as text"


def format_answers(answers: Sequence[Answer], kind: str) -> str:
    """CSV (user_id, rank, item_id, score) or JSON ([{"user", "items", "scores"[, "notes"]}]); ids are as the log has them."""
    if kind == "json":
        entries = [
            {
                "user": answer.user,
                "items": [entry.item for entry in answer],
                "scores": [entry.score for entry in answer],
                **({"notes": list(answer.notes)} if answer.notes else {}),
            }
            for answer in answers
        ]
        return json.dumps(entries, indent=1) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("user_id", "rank", "item_id", "score"))
    for answer in answers:
        for rank, entry in enumerate(answer, start=1):
            writer.writerow((answer.user, rank, entry.item, f"{entry.score:.6g}"))
    return text.getvalue()
