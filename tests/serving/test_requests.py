"""Requests in files."""

from pathlib import Path

import numpy as np
import pytest

from darlr import Answer, Recommendation, Request
from darlr.serving.answers import format_answers, note_lines
from darlr.serving.requests import read_requests, requests_for

NUMBERS = np.array([-3, 0, 12])
ROWS = "user_id,item_id,reward\n-3,-3,1\n12,0,0.5\nguest,12,1\n,0,1\n"
REQUESTS = [Request(-3, (-3,), (1,)), Request(12, (0,), (0.5,)), Request("guest", (12,), (1,)), Request(None, (0,), (1,))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_ids_are_integers_where_those_of_the_log_are(tmp_path: Path, encoding: str, line_end: str) -> None:
    file = tmp_path / "recent.csv"
    file.write_text(ROWS, encoding=encoding, newline=line_end)
    assert read_requests(file, NUMBERS, NUMBERS) == REQUESTS
    texts = NUMBERS.astype(np.str_).astype(object)
    assert [request.items for request in read_requests(file, texts, texts)] == [("-3",), ("0",), ("12",), ("0",)]
    assert [request.user for request in requests_for(["-3", "guest"], NUMBERS)] == [-3, "guest"]


def test_json_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "recent.json"
    file.write_text('[{"user": -3, "items": [12], "rewards": [1]}]', encoding="utf-8-sig")
    assert read_requests(file, NUMBERS, NUMBERS) == [Request(-3, (12,), (1,))]


def test_rows_of_one_user_make_one_request_however_its_id_is_written(tmp_path: Path) -> None:
    file = tmp_path / "recent.csv"
    file.write_text("user_id,item_id,reward\n12,0,1\n-3,12.0,0\n12.0,-3,1\n1_2,0,1\n")
    assert read_requests(file, NUMBERS, NUMBERS) == [
        Request(12, (0, -3), (1, 1)),
        Request(-3, (12,), (0,)),
        Request("1_2", (0,), (1,)),
    ]


def test_notes_are_bounded_and_formulas_are_told() -> None:
    answers = [Answer(f"u{number}\x1b[31m", (), ("taken for new",)) for number in range(5)]
    assert list(note_lines(answers, "csv", 2)) == [
        "request 1, user 'u0\\x1b[31m': taken for new",
        "request 2, user 'u1\\x1b[31m': taken for new",
        "3 more such notes; 5 of 5 requests have any, and --format json has all",
    ]
    computed = [
        Answer("u", (Recommendation("=1+1", 0.5, 3.0),)),
        Answer("-x", (Recommendation(7, 0.5, 3.0),)),
        Answer(-2, (Recommendation(7, 0.5, 3.0),)),
    ]
    assert list(note_lines(computed, "json", 2)) == []
    [note] = note_lines(computed, "csv", 2)
    assert note.startswith("ids in 2 answers begin as formulas do (= + - @)")
    assert "u,1,=1+1,0.5,3" in format_answers(computed, "csv")  # an id is never changed
