"""The code blocks of the pages: which there are, and a program that runs those of a page in their order.

A block of `python`, `sh` or `bash` is run. A line above it that begins "Not run by the tests:" gives the reason why it is not.
A page all of whose commands cannot be run says so under its title: "The commands of this page are not run by the tests:".
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.runs import REPOSITORY

PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md")))
PROGRAMS = ("python", "sh", "bash")
OTHERS = ("yaml", "toml", "text", "math", "bibtex", "json")
"""Kinds of fenced blocks that are not programs."""
ELSEWHERE = {
    "docs/python.md": "tests/api/test_documents.py",
    "docs/extending.md": "tests/test_extending.py",
    "docs/gymnasium.md": "tests/run/test_environments.py",
    "docs/serving.md": "tests/serving/test_documents.py",
    "docs/retraining.md": "tests/cli/test_retraining_page.py",
}
"""Pages whose blocks a test of their own runs."""

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"\*Not run by the tests: (?P<reason>[^*]+)\.\*\s*\Z")
WHOLE_PAGE = re.compile(r"^\*The commands of this page are not run by the tests: (?P<reason>[^*]+)\.\*$", re.MULTILINE)
INDENTED = re.compile(r"(?:\A|\n)\n {4}(?P<command>(?:darlr|python|pip|make|ray) [^\n]*)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: as the fence has it.
        text: without the fence, and without its indentation.
        reason: why it is not run; empty if it is.
    """

    language: str
    text: str
    reason: str = ""


def blocks_of(markdown: str) -> Iterator[Block]:
    """The fenced blocks of a page in their order."""
    page = WHOLE_PAGE.search(markdown)
    for found in FENCE.finditer(markdown):
        own = NOT_RUN.search(markdown[: found.start()])
        reason = own["reason"] if own else page["reason"] if page else ""
        program = found["language"] in PROGRAMS
        yield Block(found["language"], textwrap.dedent(found["text"]), reason if program else "")


def commands_without_fence(markdown: str) -> list[str]:
    """Commands that stand in indented blocks, where nothing would run them."""
    return [] if WHOLE_PAGE.search(markdown) else [found["command"] for found in INDENTED.finditer(FENCE.sub("", markdown))]


def name_of(page: Path) -> str:
    """The path of a page in the repository."""
    return page.relative_to(REPOSITORY).as_posix()
