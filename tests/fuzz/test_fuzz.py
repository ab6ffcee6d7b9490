"""A few seconds of the cases of `make fuzz`, and tests of its judge."""

import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darlr.config.yaml_text import parse_yaml, yaml_text
from darlr.errors import InputError
from darlr.serving.requests import read_requests
from tests.fuzz import oracle
from tests.fuzz.oracle import BrokenError, hold
from tests.fuzz.targets import Target, targets
from tests.fuzz.worker import attempt

SEED = 14
CASES = 12
NAMES = (
    "folder", "same folder", "parquet", "frames", "yaml", "settings",
    "requests", "run bytes", "run values", "run tensors", "archive",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return {target.name: target for target in targets(tmp_path_factory.mktemp("home"))}


def test_every_target_is_fuzzed(found: dict[str, Target]) -> None:
    assert tuple(found) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_spoiled_inputs_are_used_or_refused_in_one_line(found: dict[str, Target], name: str, tmp_path: Path) -> None:
    ends = {number: attempt(found[name], SEED, number, tmp_path) for number in range(CASES)}
    assert {number: end for number, end in ends.items() if end.startswith("broken")} == {}
    assert not list(tmp_path.iterdir())


def test_a_case_is_the_same_for_the_same_seed(found: dict[str, Target], tmp_path: Path) -> None:
    ends = [[attempt(found["folder"], seed, number, tmp_path) for number in range(8)] for seed in (1, 1)]
    assert ends[0] == ends[1]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_is_yaml_or_refused(text: str) -> None:
    hold(lambda: parse_yaml(text, "text"))


NUMBERS = st.integers(-(2**63), 2**63) | st.booleans() | st.none() | st.floats(-1e9, 1e9)


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=5), NUMBERS))
@settings(max_examples=50, deadline=None)
def test_what_is_written_as_yaml_comes_back(values: dict[str, object]) -> None:
    assert parse_yaml(yaml_text(values), "text") == values


@given(PLAIN, st.sampled_from([".json", ".csv"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_requests_or_refused(tmp_path: Path, value: object, suffix: str) -> None:
    path = tmp_path / f"requests{suffix}"
    path.write_text(json.dumps(value))
    hold(lambda: read_requests(path, np.arange(3), np.array(["a", "b"])))


def refuse(text: str) -> None:
    raise InputError(text)


def forget() -> None:
    known: dict[str, int] = {}
    known["key"]


def wait() -> None:
    time.sleep(5)


class TestOracle:
    def test_tells_used_from_refused(self) -> None:
        assert hold(lambda: None) == "used"
        assert hold(lambda: refuse("a line")) == "refused"

    def test_notices_a_traceback(self) -> None:
        with pytest.raises(BrokenError, match=r"ends in KeyError at test_fuzz\.py:\d+: 'key'"):
            hold(forget)

    def test_notices_a_refusal_without_text(self) -> None:
        with pytest.raises(BrokenError, match="no line of text"):
            hold(lambda: refuse(""))

    def test_notices_a_hang(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(oracle, "SECONDS", 0.05)
        with pytest.raises(BrokenError, match=r"hangs for more than 0\.05 s"):
            hold(wait)

    def test_notices_other_numbers(self, found: dict[str, Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.fuzz.targets.numbers", lambda loaded: {"rows": ["another"]})
        (tmp_path / "case").mkdir()
        call = found["same folder"].case(random.Random(0), tmp_path / "case")
        with pytest.raises(BrokenError, match="expected"):
            hold(call)
