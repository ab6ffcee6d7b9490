"""The YAML that darlr reads and writes: one document of plain values, of bounded size and depth.

Aliases, merged keys and tags are refused, because they let a small file describe a huge value. So each value is written out
on its own line.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from darlr.errors import InputError
from darlr.reading import read_text

MOST_BYTES = 200_000
MOST_VALUES = 10_000  # keys included
MOST_DEPTH = 20
MOST_BITS = 64  # of a whole number
MERGE = "tag:yaml.org,2002:merge"
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
OLD_NUMBER = r":|^[-+]?0[0-9_]+$"
"""Numbers that YAML 1.1 reads differently from people: 1:30 as 90, and 010 as 8."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Read the mapping in a YAML file.

    Raises:
        InputError: naming the file and, if known, the line at fault.
    """
    return parse_mapping(read_text(path, at_most=MOST_BYTES), str(path))


def parse_mapping(text: str, place: str) -> dict[str, Any]:
    """Parse a YAML text that holds a mapping.

    Raises:
        InputError: naming `place` and, if known, the line at fault.
    """
    content = parse_yaml(text, place)
    if not isinstance(content, dict):
        raise InputError(f"{place}: expected a mapping of keys to values")
    return content


def parse_yaml(text: str, place: str) -> Any:
    """Parse a YAML text.

    Raises:
        InputError: naming `place`, for anything but plain YAML.
    """
    if len(text) > MOST_BYTES:
        raise InputError(f"{place}: {len(text):,} characters of YAML; expected at most {MOST_BYTES:,}")
    try:
        return yaml.load(text, _StrictLoader)
    except yaml.MarkedYAMLError as error:
        where = f" at line {error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise InputError(f"{place}: not valid YAML{where} ({error.problem})") from error
    except yaml.YAMLError as error:
        raise InputError(f"{place}: not valid YAML ({' '.join(str(error).split())})") from error


def yaml_text(values: Mapping[str, Any]) -> str:
    """Write `values` as YAML that `parse_yaml` reads."""
    return yaml.dump(dict(values), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)


class _PlainDumper(yaml.SafeDumper):
    """A dumper that writes a repeated value in full instead of as an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe subset, without the features that this module refuses and within its limits; a key may be given only once."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        parser: Any = self  # whose methods have no types
        event = parser.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _refusal(f"alias '*{event.anchor}'; expected the value itself", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise _refusal(f"tag '{event.tag}'; expected a plain value", event.start_mark)
        if self._depth == MOST_DEPTH:
            raise _refusal(f"nested more than {MOST_DEPTH} deep", event.start_mark)
        if self._nodes == MOST_VALUES:
            raise _refusal(f"more than {MOST_VALUES:,} values", event.start_mark)
        self._nodes += 1
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag in NUMBERS and re.search(OLD_NUMBER, node.value):
            raise _refusal(f"'{node.value}' is a number in base 8 or 60; expected a decimal one, or quotes", node.start_mark)
        try:
            value = super().construct_object(node, deep)
        except (ValueError, ArithmeticError, LookupError, AttributeError) as error:  # a date that does not exist, 0x_, ...
            raise _refusal(f"'{node.value}' is not what it looks like: {error}", node.start_mark) from error
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            raise _refusal(f"a whole number of more than {MOST_BITS} bits", node.start_mark)
        if isinstance(value, str) and any(part == "\0" or "\ud800" <= part <= "\udfff" for part in value):
            raise _refusal(f"text {value!r} with a character that no text has", node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal("a key that is a list or a mapping; expected a name", key.start_mark)
            if key.tag == MERGE:
                raise _refusal("key '<<', which puts mappings together; expected their keys", key.start_mark)
            if key.value in seen:
                raise _refusal(f"key '{key.value}' is given twice", key.start_mark)
            seen.add(key.value)
        values = super().construct_mapping(node, deep)
        if len(values) < len(seen):
            raise _refusal("a key is given twice, in two spellings", node.start_mark)
        return values


def _refusal(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)
