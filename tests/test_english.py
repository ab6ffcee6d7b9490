"""Docstrings, comments and pages are in plain English: short sentences, no riddles, and shapes of all arrays.

The checks find faults that can be counted. A reviewer has to judge whether a new reader understands a sentence.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.prose import (
    ROOT,
    SECTIONS,
    Definition,
    Sentence,
    documented,
    place,
    sentences_of_comments,
    sentences_of_docstrings,
    sentences_of_page,
    split,
)

Function = ast.FunctionDef | ast.AsyncFunctionDef

MOST_WORDS = 35
"""Words of a sentence at most; a code span counts as one word."""

PACKAGE = ROOT / "src" / "darlr"
ROOMS = tuple(sorted(path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()))
BESIDE = ("tests", "benchmarks", "experiments", "examples", "website")
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))

AVOID: Mapping[str, str] = {
    r"\b(about|after|at|before|behind|beside|by|for|from|in|into|of|on|over|than|to|with|without) what\b": "name the thing",
    r"^(What|Of|By|With|In|To|From) (what|which|whom|whose)\b": "begin with the subject",
    r"^What\b[^?]*$": "begin with the subject: the noun that 'what' stands for",
    r"^(Of|Whose|Who|Which|Wherein|Whereof)\b[^?]*$": "begin with the subject",
    r"\bthat (is|are) none\b": "say what is missing",
    r"\b(is|are) told by\b": "say who or what shows it",
    r"\bhangs? on\b": "depends on",
    r"\bgone into\b": "say what is done with it",
    r"\bone who\b": "name the person or the process",
    r"\b(there|where)(by|in|of|upon)\b": "use two sentences",
    r"\blest\b": "say what must not happen",
    r", as [\"']": "for example",
    r"\b(easily|simply|just|obviously|of course)\b": "leave it out",
    r"\b(utilis|utiliz|leverag)\w+": "use",
}
"""Phrases to avoid, as regular expressions, and the advice that a failure prints."""

ARRAYS = re.compile(r"\b(Tensor|NDArray|ndarray)\b")
NAMED_ARRAYS = re.compile(r"\b(Mapping|dict)\[str, [^\]]*\b(Tensor|NDArray\[[^\]]*\]|ndarray)\b[^\]]*\]")
_SIZE = r"(?:[\w.*|]+'?(?: [-+*/] [\w.*]+)*|\.\.\.)"
SHAPE = re.compile(rf"\({_SIZE}(?:, {_SIZE})+\)|\({_SIZE},\)|\bscalar|\bany shape|\bof one shape|\bsame shape|\bshape")


def python_files(top: Path) -> list[Path]:
    """The Python files at or below `top`."""
    return [top] if top.is_file() else sorted(top.rglob("*.py"))


def complaints(sentences: Iterable[Sentence]) -> Iterator[str]:
    """Yield one line for each rule that a sentence breaks."""
    for sentence in sentences:
        if sentence.words > MOST_WORDS:
            yield f"{sentence}\n    {sentence.words} words; at most {MOST_WORDS}"
        bare = re.sub(r"`[^`]+`", "`code`", sentence.text)
        for phrase, advice in AVOID.items():
            found = re.search(phrase, bare)
            if found:
                yield f"{sentence}\n    '{found.group(0)[:40]}': {advice}"


def public(tree: ast.Module) -> Iterator[tuple[str, Definition, ast.ClassDef | None]]:
    """The public classes and functions of a module and the public methods of those classes: (name, definition, its class)."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node.name, node, None
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, Function) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner, node


def described_methods() -> dict[str, tuple[set[str], set[str]]]:
    """Class of the package -> the names of its base classes, and of its methods with a docstring."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for file in python_files(PACKAGE):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases, methods = found.setdefault(node.name, (set(), set()))  # several classes may share a name
                bases |= {ast.unparse(base).partition("[")[0] for base in node.bases}
                methods |= {inner.name for inner in node.body if isinstance(inner, Function) and ast.get_docstring(inner)}
    return found


CLASSES = described_methods()
INTERFACES = frozenset(name for bases, methods in CLASSES.values() if "Protocol" in bases for name in methods)
"""Methods that a protocol of the package describes; a class that has them need not repeat it."""
OF_LIBRARIES = frozenset({"forward", "close", "state_dict", "load_state_dict"})
"""Methods that torch and gymnasium describe."""


def is_inherited(method: str, owner: str) -> bool:
    """Whether a base class in the package, or a base of it, describes `method`."""
    bases, _ = CLASSES.get(owner, (set(), set()))
    return any(base in CLASSES and (method in CLASSES[base][1] or is_inherited(method, base)) for base in bases)


def is_overload(node: Definition) -> bool:
    """Whether a function only states a signature."""
    return any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)


def annotations(node: Function) -> str:
    """Return the annotations of a function's parameters and result, without mappings of arrays by name."""
    parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    hints = [parameter.annotation for parameter in parameters] + [node.returns]
    return NAMED_ARRAYS.sub("", " ".join(ast.unparse(hint) for hint in hints if hint is not None))


def misplaced_headings(text: str) -> Iterator[str]:
    """Yield headings of a docstring's sections that a tool would not read: with text after them, or without indented items."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        heading = re.match(rf"\s*({'|'.join(SECTIONS)}):(.*)$", line)
        if heading and (heading.group(2) or not lines[number + 1 : number + 2] or not lines[number + 1].startswith("    ")):
            yield line.strip()


def unknown_arguments(node: Definition, text: str) -> set[str]:
    """Return names in a docstring's `Args` that are not parameters of the function."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n(?=    ))+)", text, re.MULTILINE)
    if section is None or isinstance(node, ast.ClassDef):
        return set()
    named = re.findall(r"^    ([\w*][\w*, ]*): ", section.group(1), re.MULTILINE)
    arguments = node.args
    known = {
        a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg] if a
    }
    return {name.strip().lstrip("*") for names in named for name in names.split(",")} - known


def prose_faults(file: Path) -> Iterator[str]:
    """Long sentences and phrases to avoid in the docstrings of a Python file, and in the comments of the package."""
    yield from complaints(sentences_of_docstrings(file))
    if file.is_relative_to(PACKAGE):
        yield from complaints(sentences_of_comments(file))


def missing_docstrings(file: Path) -> Iterator[str]:
    """The module, the public names and the public methods without a docstring."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if ast.get_docstring(tree) is None:
        yield f"{place(file, 1)}: the module has no docstring"
    for name, node, owner in public(tree):
        if ast.get_docstring(node) is not None or is_overload(node):
            continue
        method = name.rpartition(".")[2]
        if owner is None or not (method in INTERFACES | OF_LIBRARIES or is_inherited(method, owner.name)):
            yield f"{place(file, node.lineno)}: {name} has no docstring"


def missing_shapes(file: Path) -> Iterator[str]:
    """The public functions that take or return arrays, but give no shape."""
    for name, node, _ in public(ast.parse(file.read_text(encoding="utf-8"))):
        text = ast.get_docstring(node)
        if isinstance(node, ast.ClassDef) or text is None or not ARRAYS.search(annotations(node)):
            continue
        if not SHAPE.search(text):
            yield f"{place(file, node.lineno)}: {name} has arrays without a shape such as (n_users, n_items), or 'scalar'"


def unreadable_sections(file: Path) -> Iterator[str]:
    """Headings without indented items below, and items of `Args` that are no parameters."""
    for node, text, line in documented(ast.parse(file.read_text(encoding="utf-8"))):
        for heading in misplaced_headings(text):
            yield f"{place(file, line)}: '{heading}' needs a line of its own and indented items below it"
        if not isinstance(node, ast.Module):
            for name in sorted(unknown_arguments(node, text)):
                yield f"{place(file, line)}: there is no argument '{name}'"


Check = Callable[[Path], Iterable[str]]
CHECKS: tuple[Check, ...] = (prose_faults, missing_docstrings, missing_shapes, unreadable_sections)


def page_faults(page: Path) -> Iterator[str]:
    """Long sentences and phrases to avoid on a page."""
    return complaints(sentences_of_page(page))


def faults(files: Iterable[Path], check: Check) -> str:
    """The faults that `check` finds in `files`, one line each."""
    return "\n".join(fault for file in files for fault in check(file))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("room", ROOMS)
def test_the_package_is_documented_in_plain_english(room: str, check: Check) -> None:
    assert not (found := faults(python_files(PACKAGE / room), check)), f"\n{found}"


@pytest.mark.parametrize("folder", BESIDE)
def test_docstrings_beside_the_package_are_plain(folder: str) -> None:
    assert not (found := faults(python_files(ROOT / folder), prose_faults)), f"\n{found}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_plain(page: Path) -> None:
    assert not (found := faults([page], page_faults)), f"\n{found}"


def test_a_full_stop_in_code_or_in_an_abbreviation_ends_no_sentence() -> None:
    assert split("See Eq. 7 of `a. B c`. It holds, e.g. Here.") == ["See Eq. 7 of `a. B c`.", "It holds, e.g. Here."]


@pytest.mark.parametrize(
    "sentence",
    [
        "What a user has, is told by the log.",
        "It depends of what the log has.",
        "A file that is none is refused.",
        "The name of the setting, as 'a2c.discount'.",
        " ".join(["word"] * (MOST_WORDS + 1)),
    ],
)
def test_riddles_and_long_sentences_are_found(sentence: str) -> None:
    assert list(complaints([Sentence(Path("page.md"), 3, sentence)]))


def test_plain_sentences_pass() -> None:
    plain = ["The log holds one row for each recommendation.", "What does `of what` mean?", "A user leaves after 30 steps."]
    assert not list(complaints(Sentence(Path("page.md"), 3, sentence) for sentence in plain))
