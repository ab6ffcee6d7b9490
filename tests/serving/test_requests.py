"""Requests in files."""

from pathlib import Path

import numpy as np
import pytest

from darlr import Request
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
