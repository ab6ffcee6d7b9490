"""Reading of requests from CSV or JSON."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from darlr.artifacts.files import decode_json
from darlr.data.ids import Id, KnownIds
from darlr.data.log import Ids
from darlr.errors import InputError
from darlr.reading import read_text
from darlr.serving.messages import ANYBODY, Request
from darlr.serving.schema import request_of
from darlr.text import brief

COLUMNS = ("user_id", "item_id", "reward")
ROLE = "role"
ROLES = ("recent", "candidate", "exclude")
MOST_BYTES = 1 << 30  # largest size of a file of requests
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def requests_for(users: Sequence[str], known: Ids, defaults: Request = ANYBODY) -> list[Request]:
    """Return a request without recent items for each of the raw ids `users`; for all `known` users if none is named."""
    return [replace(defaults, user=user) for user in (map(KnownIds(known).as_logged, users) if users else known.tolist())]


def read_requests(path: Path, users: Ids, items: Ids, defaults: Request = ANYBODY) -> list[Request]:
    """Read the requests in a file.

    CSV has columns user_id, item_id, reward, and optionally role, with a row for each item of a user, oldest first. A blank
    role means a recent item; the roles candidate and exclude have no reward. A user without items has one row with the
    other cells blank. JSON has a list of objects with the keys of `schema.REQUEST`.

    Args:
        path: the file.
        users, items: the log's ids, which decide how ids are read (`darlr.data.ids`). Rows of one user make one request.
        defaults: the values of omitted keys.

    Raises:
        InputError: naming the file and the line (or entry).
    """
    text = read_text(path, at_most=MOST_BYTES)
    if path.suffix.lower() == ".json":
        return _from_json(decode_json(text, str(path)), path, defaults)
    return _from_csv(text, path, KnownIds(users), KnownIds(items), defaults)


def _from_json(entries: Any, path: Path, defaults: Request) -> list[Request]:
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected a list of requests")
    return [request_of(entry, f"{path}, request {number}", defaults) for number, entry in enumerate(entries, start=1)]


@dataclass
class _Rows:
    """The rows of one user."""

    recent: list[tuple[Id, float]] = field(default_factory=list)
    candidate: list[Id] = field(default_factory=list)
    exclude: list[Id] = field(default_factory=list)

    def request(self, user: Id, defaults: Request) -> Request:
        return replace(
            defaults,
            user=None if user == "" else user,
            items=tuple(item for item, _ in self.recent),
            rewards=tuple(reward for _, reward in self.recent),
            candidates=tuple(self.candidate) or defaults.candidates,
            exclude=tuple(self.exclude),
        )


def _from_csv(text: str, path: Path, users: KnownIds, items: KnownIds, defaults: Request) -> list[Request]:
    found: dict[Id, _Rows] = {}
    for place, (user, item, reward, role) in _rows(text, path):
        rows = found.setdefault(users.as_logged(user), _Rows())
        if role not in ("", *ROLES):
            raise InputError(f"{place}, column '{ROLE}' is {brief(role)}; expected one of {', '.join(ROLES)}, or blank")
        if role in ("candidate", "exclude"):
            if not item or reward:
                raise InputError(f"{place}: the role {role} goes with an item and no reward; expected both so")
            (rows.candidate if role == "candidate" else rows.exclude).append(items.as_logged(item))
        elif item:
            if not _NUMBER.fullmatch(reward) or not math.isfinite(float(reward)):
                raise InputError(f"{place}, column 'reward' is {brief(reward)}; expected a number")
            rows.recent.append((items.as_logged(item), float(reward)))
        elif reward or role:
            what = f"a reward of {brief(reward)}" if reward else f"the role {role}"
            raise InputError(f"{place}: {what} without an item; expected both or none")
    return [rows.request(user, defaults) for user, rows in found.items()]


def _rows(text: str, path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the cells of `COLUMNS` and of `ROLE` of every row that is not blank, and its place, for example "a.csv: line 3"."""
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
        if unknown := [name for name in header if name not in (*COLUMNS, ROLE)]:
            raise InputError(f"{path}: unknown column {brief(unknown[0])}; expected {', '.join(COLUMNS)} and perhaps {ROLE}")
        columns = [header.index(name) for name in (*COLUMNS, ROLE) if name in header]
        line = rows.line_num + 1
        for cells in rows:
            place = f"{path}: line {line}"
            if cells and len(cells) != len(header):
                raise InputError(f"{place} has {len(cells)} cells; expected {len(header)} like its header")
            for name, cell in zip(header, cells, strict=False):
                if name in (*COLUMNS, ROLE) and cell.strip() != cell:
                    raise InputError(f"{place}, column '{name}' is {brief(cell)}; expected no spaces around it")
            if cells:
                yield place, [*(cells[column] for column in columns), ""][: len(COLUMNS) + 1]
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {line}: not valid CSV ({error}); expected every quote to be closed") from error
