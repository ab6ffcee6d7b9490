"""YAML without features that expand a file."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.config.loading import parse_overrides
from darlr.config.yaml_text import MOST_BYTES, parse_yaml, read_yaml, yaml_text
from darlr.errors import InputError

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = [
    (BOMB, "alias '*a'; expected the value itself"),
    ("a: &a 1\nb: *a\n", "alias '*a'"),
    ("a: &a {b: 1}\nc:\n  <<: *a\n", "alias '*a'"),
    ("c:\n  <<: {b: 1}\n", "key '<<', which puts mappings together"),
    ("a: &a [*a]\n", "alias '*a'"),
    ("a: " + "[" * 21 + "]" * 21, "nested more than 20 deep"),
    ("[" * 50_000, "nested more than 20 deep"),
    ("{a: " * 30_000, "nested more than 20 deep"),
    ("- " * 50_000 + "a", "nested more than 20 deep"),
    ("? " * 5_000 + "a", "nested more than 20 deep"),
    ("a: !!int ''", "tag 'tag:yaml.org,2002:int'; expected a plain value"),
    ("a: !!bool maybe", "tag 'tag:yaml.org,2002:bool'"),
    ("a: !!float ''", "tag 'tag:yaml.org,2002:float'"),
    ("a: !!timestamp x", "tag 'tag:yaml.org,2002:timestamp'"),
    ("a: !!binary x", "tag 'tag:yaml.org,2002:binary'"),
    ("a: !!set {a}", "tag 'tag:yaml.org,2002:set'"),
    ("a: !!python/object/apply:os.system [ls]", "tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
    ("a: !own 1", "tag '!own'"),
    ("a: " + "9" * 4_000, "a whole number of more than 64 bits"),
    ("a: " + "9" * 5_000, "is not what it looks like"),
    ("a: 0x" + "f" * 5_000, "a whole number of more than 64 bits"),
    ("a: -" + "9" * 30, "a whole number of more than 64 bits"),
    ("a: " + ":".join(["59"] * 50), "is a number in base 8 or 60; expected a decimal one"),
    ("a: 1:30", "'1:30' is a number in base 8 or 60; expected a decimal one, or quotes"),
    ("a: 12:30:45.5", "'12:30:45.5' is a number in base 8 or 60"),
    ("a: 010", "'010' is a number in base 8 or 60"),
    ("a: -007", "'-007' is a number in base 8 or 60"),
    ("a: 0x_", "'0x_' is not what it looks like"),
    ("a: 0b_", "'0b_' is not what it looks like"),
    ("a: 2024-13-45", "'2024-13-45' is not what it looks like: month must be in 1..12"),
    ('a: "\\ud800"', "with a character that no text has"),
    ('"\\udfff": 1', "with a character that no text has"),
    ('a: "x\\0y"', "with a character that no text has"),
    ("a: 1\na: 2\n", "key 'a' is given twice"),
    ("1: 1\n0x1: 2\n", "a key is given twice, in two spellings"),
    ("[a]: 1\n", "a key that is a list or a mapping"),
    ("? {a: b}\n: 1\n", "a key that is a list or a mapping"),
    ("a: b\n--- \nc: d\n", "but found another document"),
    ("a: " + "x" * MOST_BYTES, f"{MOST_BYTES:,}"),
    ("a: \x07", "not valid YAML"),
    ("a: [" + "0," * 20_000 + "0]", "more than 10,000 values"),
    ("\n".join(f"k{number}: 0" for number in range(8_000)), "more than 10,000 values"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[f"{number}" for number in range(len(REFUSED))])
def test_what_is_not_plain_is_refused_at_once_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    reads: tuple[Callable[[], Any], ...] = (
        lambda: read_yaml(file),
        lambda: parse_overrides([f"world_model.members={text}"]),
    )
    for read in reads:
        begun = time.process_time()
        with pytest.raises(InputError) as refused:
            read()
        assert time.process_time() - begun < 5
        told = str(refused.value)
        assert message in told
        assert told.isprintable()
        assert len(told) < 1_200


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\x85\u2028\u2029"), min_size=1)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(value=PLAIN)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert parse_yaml(yaml_text({"a": value}), "c.yaml") == {"a": value}


def test_what_stands_twice_is_written_twice() -> None:
    shared = [1, 2]
    text = yaml_text({"a": shared, "b": shared, "c": {"d": shared}})
    assert "&" not in text
    assert parse_yaml(text, "c.yaml") == {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2]}}
