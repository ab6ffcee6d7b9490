"""The consistency of the documents: links have targets, and the source cites sections and pages that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
SOURCES = tuple(file for file in sorted((ROOT / "src").rglob("*")) if file.suffix in {".py", ".yaml"})

FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
TARGET = re.compile(r"\]\(([^()\s]+)\)")
CITATION = re.compile(r"\bprotocol(?:\.md)?,? sections? (\d+(?:(?:, | and | to )\d+)*)")
PAGE = re.compile(r"\bdocs/[\w/.-]+\.md\b")


def anchors(text: str) -> set[str]:
    """Return the anchors of GitHub for the headings of a Markdown `text`; a repeated heading gets a number."""
    seen: dict[str, int] = {}
    found = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def relative_links(text: str) -> list[str]:
    """Return the targets of links and pictures of a Markdown `text` inside the repository."""
    targets: list[str] = TARGET.findall(CODE_SPAN.sub("", FENCED.sub("", text)))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def broken_links(document: Path) -> list[str]:
    """Return the links in `document` without a file, or without a heading in it."""
    broken = []
    for target in relative_links(document.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    return broken


def cited_sections(text: str) -> list[int]:
    """Return the sections of the protocol that a source `text` cites; a citation may run over the end of a line."""
    flowing = re.sub(r"\s*\n\s*#?\s*", " ", text)
    return [int(number) for numbers in CITATION.findall(flowing) for number in re.findall(r"\d+", numbers)]


def sections(text: str) -> set[int]:
    """Return the numbers of a Markdown `text`'s sections, such as `## 3. Testing`."""
    return {int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    assert broken_links(document) == []


def test_every_section_that_the_source_cites_exists() -> None:
    known = sections((ROOT / "docs" / "protocol.md").read_text(encoding="utf-8"))
    cited = {file: cited_sections(file.read_text(encoding="utf-8")) for file in SOURCES}
    assert any(cited.values())
    assert {str(file): numbers for file, numbers in cited.items() if not set(numbers) <= known} == {}


def test_every_page_that_the_source_names_exists() -> None:
    named = {page for file in SOURCES for page in PAGE.findall(file.read_text(encoding="utf-8"))}
    assert "docs/reference_quirks.md" in named
    assert [page for page in sorted(named) if not (ROOT / page).is_file()] == []


@pytest.mark.parametrize("number", range(1, 9))
def test_the_protocol_has_its_eight_sections_once_each(number: int) -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert len(re.findall(rf"^## {number}\. ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("[a](other.md)", []),
        ("[a](other.md#its-heading-n--4)", []),
        ("[a](#here)", []),
        ("[`code`](other.md)", []),
        ("[a](https://example.org/none.md)", []),
        ("`[a](none.md)`", []),
        ("```\n[a](none.md)\n```", []),
        ("[a](none.md)", ["none.md"]),
        ("![a](none.png)", ["none.png"]),
        ("[a](other.md#its-heading)", ["other.md#its-heading"]),
        ("[a](other.md#not-a-heading)", ["other.md#not-a-heading"]),
        ("[a](#there)", ["#there"]),
    ],
)
def test_links_are_followed_to_files_and_headings(tmp_path: Path, link: str, broken: list[str]) -> None:
    (tmp_path / "other.md").write_text("# Its `heading`, N = 4\n\n```\n# not a heading\n```\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n{link}\n", encoding="utf-8")
    assert broken_links(page) == broken


def test_a_repeated_heading_has_an_anchor_of_its_own() -> None:
    assert anchors("# One\n## One\n## [Two](two.md)\n") == {"one", "one-1", "two"}


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("as published (protocol section 4).", [4]),
        ("# protocol sections 3 to 6", [3, 6]),
        ("docs/protocol.md, sections 4 and 8", [4, 8]),
        ('"""It was chosen (protocol\n    section 2)."""', [2]),
        ("# as the protocol\n# has it: protocol\n# section 11", [11]),
        ("section 4.1.4 of the paper; section 3", []),
    ],
)
def test_citations_of_the_protocol_are_read(text: str, cited: list[int]) -> None:
    assert cited_sections(text) == cited
