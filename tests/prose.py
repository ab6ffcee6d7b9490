"""The prose of the project, sentence by sentence, with the file and the line of each: docstrings, comments and pages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises")
"""The headings of a docstring in Google's style."""

_HEADING = re.compile(rf"\s*({'|'.join(SECTIONS)}):$")
_ITEM = re.compile(r"    [\w*][\w*, .`\[\]]*: ")
_CODE = re.compile(r"``[^`]+``|`[^`]+`|\$[^$\n]+\$")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|Eqs?|et al|vs|Fig|Sec|cf|pp|p)\.(?=\s)")
_END = re.compile(r"(?<=[.!?])(?<!\.\.)[\"')\]]*\s+")
_FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2[^\n]*$", re.MULTILINE | re.DOTALL)
_HIDDEN = re.compile(r"<!--.*?-->|^---\n.*?^---\n|\$\$.*?\$\$", re.MULTILINE | re.DOTALL)
_STARTS_BLOCK = re.compile(r"\s*([-*+] |\d+\. |#|\||>|!!!|\?\?\?|<|:::|\[\^)")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Sentence:
    """One sentence.

    Attributes:
        file: where it stands.
        line: the line of its paragraph's first word.
        text: its words; code spans are as they were.
    """

    file: Path
    line: int
    text: str

    @property
    def words(self) -> int:
        """The number of its words; a code span counts as one."""
        return len(_CODE.sub("CODE", self.text).split())

    def __str__(self) -> str:
        return f"{place(self.file, self.line)}: {self.text}"


def place(file: Path, line: int) -> str:
    """File and line as an editor finds them."""
    return f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}:{line}"


def split(paragraph: str) -> list[str]:
    """The sentences of a `paragraph` on one line; a full stop within a code span or an abbreviation ends none."""
    spans: list[str] = []

    def hide(match: re.Match[str]) -> str:
        spans.append(match.group(0))
        return f"CODE{len(spans) - 1}\x00"

    hidden = _ABBREVIATION.sub(lambda match: match.group(0)[:-1] + "\x01", _CODE.sub(hide, paragraph))
    sentences = [part.replace("\x01", ".") for part in _END.split(hidden) if part.strip()]
    return [re.sub(r"CODE(\d+)\x00", lambda match: spans[int(match.group(1))], part).strip() for part in sentences]


def _paragraphs(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Runs of lines joined with blanks, each with the number of its first line; an empty line ends one."""
    run: list[tuple[int, str]] = []
    for number, line in [*lines, (0, "")]:
        if line.strip():
            run.append((number, line.strip()))
        elif run:
            yield run[0][0], " ".join(text for _, text in run)
            run = []


def documented(tree: ast.Module) -> Iterator[tuple[ast.Module | Definition, str, int]]:
    """Every module, class and function of a `tree` that has a docstring, with the cleaned docstring and its first line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield node, text, node.body[0].lineno


def variable_docstrings(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The strings that document a variable: each follows an assignment in the body of a module or a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            for before, statement in zip(node.body, node.body[1:], strict=False):
                if isinstance(before, ast.Assign | ast.AnnAssign) and isinstance(statement, ast.Expr):
                    value = statement.value
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value, statement.lineno


def _docstring_lines(text: str, first: int) -> list[tuple[int, str]]:
    """The lines of a docstring, with an empty line before each heading, item and entry of a list; formulas are left out.

    A formula or an example is an indented block outside of the sections.
    """
    lines: list[tuple[int, str]] = []
    in_section = False
    for number, line in enumerate(text.split("\n"), first):
        indented = line.startswith("    ")
        if _HEADING.match(line):
            in_section = True
            lines.append((number, ""))
            continue
        in_section = in_section and (indented or not line.strip())
        if _ITEM.match(line) or line.lstrip().startswith("- "):
            lines.append((number, ""))
        lines.append((number, "" if indented and not in_section else line))
    return lines


def sentences_of_docstrings(file: Path) -> Iterator[Sentence]:
    """The sentences of all docstrings of a Python `file`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    texts = [(text, line) for _, text, line in documented(tree)] + list(variable_docstrings(tree))
    for text, first in texts:
        for line, paragraph in _paragraphs(_docstring_lines(text, first)):
            yield from (Sentence(file, line, sentence) for sentence in split(paragraph))


def sentences_of_comments(file: Path) -> Iterator[Sentence]:
    """The sentences of all comments of a Python `file`; comments on neighbouring lines are one paragraph."""
    lines: list[tuple[int, str]] = []
    follows_code = False
    for token in tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT and not re.match(r"#\s*(noqa|type:|!)", token.string):
            number, behind_code = token.start[0], bool(token.line[: token.start[1]].strip())
            if behind_code or follows_code or not lines or lines[-1][0] != number - 1:
                lines.append((number, ""))
            follows_code = behind_code
            lines.append((number, token.string.lstrip("#").strip()))
    for number, paragraph in _paragraphs(lines):
        yield from (Sentence(file, number, sentence) for sentence in split(paragraph))


def _same_height(match: re.Match[str]) -> str:
    """As many line ends as a passage has, so that the lines after it keep their numbers."""
    return "\n" * match.group(0).count("\n")


def sentences_of_page(file: Path) -> Iterator[Sentence]:
    """The sentences of a Markdown `file`: its headings, paragraphs, list items and cells of tables, without its code blocks."""
    text = _FENCE.sub(_same_height, _HIDDEN.sub(_same_height, file.read_text(encoding="utf-8")))
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("|"):
            for cell in line.strip().strip("|").split("|"):
                lines += [(number, ""), (number, cell)]
            lines.append((number, ""))
            continue
        if _STARTS_BLOCK.match(line):
            lines.append((number, ""))
        lines.append((number, re.sub(r"^\s*([-*+]|\d+\.|#+|>)\s+", "", line).replace("**", "")))
        if line.startswith("#"):
            lines.append((number, ""))
    for number, paragraph in _paragraphs(lines):
        yield from (Sentence(file, number, sentence) for sentence in split(paragraph))
