"""The records of a run: none half-written, none taken for another."""

import math
from pathlib import Path

import pytest

from darlr.artifacts import RunFolder
from darlr.errors import InputError, RunError
from tests.artifacts.runs import CONFIG, ENVIRONMENT


def metrics_file(run: RunFolder) -> Path:
    return run.path / "metrics.jsonl"


def test_come_back_in_order(run: RunFolder) -> None:
    records: list[dict[str, float | None]] = [
        {"epoch": 1, "nx_0/sampled/r_tra": 0.1 + 0.2},
        {"epoch": 2, "nx_0/sampled/mcd": None},
    ]
    for record in records:
        run.append_metrics(record)
    assert run.metrics() == records
    assert metrics_file(run).read_bytes().count(b"\n") == 2


def test_none_yet(run: RunFolder) -> None:
    assert run.metrics() == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_refuse_what_json_cannot_hold(run: RunFolder, number: float) -> None:
    run.append_metrics({"epoch": 1})
    with pytest.raises(RunError, match=rf"epoch 2: 'loss/policy' is {number}"):
        run.append_metrics({"epoch": 2, "loss/policy": number})
    assert run.metrics() == [{"epoch": 1}]


def test_every_cut_of_the_last_line_is_harmless(run: RunFolder) -> None:
    run.append_metrics({"epoch": 1, "x": 1.5})
    whole = len(metrics_file(run).read_bytes())
    run.append_metrics({"epoch": 2, "x": 2.5})
    run.close()
    text = metrics_file(run).read_bytes()
    for cut in range(whole, len(text)):
        metrics_file(run).write_bytes(text[:cut])
        with RunFolder.create(run.path, CONFIG, ENVIRONMENT) as resumed:
            resumed.keep_metrics(1)
            resumed.append_metrics({"epoch": 2, "x": 2.5})
            assert metrics_file(run).read_bytes() == text


def test_appending_after_a_cut_without_keep_metrics_starts_a_new_line(run: RunFolder) -> None:
    run.append_metrics({"epoch": 1})
    run.close()
    with metrics_file(run).open("a") as file:
        file.write('{"epo')
    with RunFolder.create(run.path, CONFIG, ENVIRONMENT) as resumed:
        resumed.append_metrics({"epoch": 2})
        assert resumed.metrics() == [{"epoch": 1}, {"epoch": 2}]


def test_keep_drops_later_epochs(run: RunFolder) -> None:
    for epoch in range(1, 6):
        run.append_metrics({"epoch": epoch})
    run.keep_metrics(3)
    assert run.metrics() == [{"epoch": 1}, {"epoch": 2}, {"epoch": 3}]
    run.keep_metrics(0)
    assert run.metrics() == []


@pytest.mark.parametrize("written", [0, 1, 2])
def test_keep_refuses_too_few(run: RunFolder, written: int) -> None:
    for epoch in range(1, written + 1):
        run.append_metrics({"epoch": epoch})
    with pytest.raises(InputError, match=f"has {written} records; expected one for each of the epochs 1 to 3"):
        run.keep_metrics(3)


@pytest.mark.parametrize(
    "line", ["{", "[1]", "{}", '{"epoch": 1.5}', '{"epoch": 2, "x": NaN}', '{"epoch": 2, "x": "a"}', '{"epoch": 2}', ""]
)
def test_malformed_lines_are_named(run: RunFolder, line: str) -> None:
    run.append_metrics({"epoch": 1})
    with metrics_file(run).open("a") as file:
        file.write(f'{line}\n{{"epoch": 3}}\n')
    with pytest.raises(InputError, match=r"metrics\.jsonl:2: "):
        run.metrics()
