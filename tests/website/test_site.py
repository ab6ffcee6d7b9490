"""The built site: it is whole, asks no other host for anything, and has all that is generated."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from website.mathematics import rendered
from website.methods import facts, families
from website.navigation import completed, method_pages
from website.outside import linked

import darlr
from darlr.cli.main import COMMANDS
from darlr.methods.registry import METHODS
from tests.runs import REPOSITORY

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
"""Attributes that make a browser load a file: tag > attribute."""


class Page(HTMLParser):
    """The files that a page loads, its links and its anchors."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {name for key in ("id", "name") if (name := found.get(key))}
        target = found.get(LOADED.get(tag, ""))
        if target and not (tag == "link" and found.get("rel") in {"prev", "next", "canonical"}):
            self.loaded.append(target)
        if tag == "a" and (link := found.get("href")):
            self.links.append(link)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in sorted(site.rglob("*.html")) if file.name != "404.html"}


def test_no_page_loads_anything_from_another_host(pages: dict[Path, Page]) -> None:
    elsewhere = {target for page in pages.values() for target in page.loaded if urlsplit(target).netloc}
    assert elsewhere == set()


def test_stylesheets_load_nothing_from_another_host(site: Path) -> None:
    styles = "\n".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", styles) == []


def test_every_link_inside_the_site_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for file, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link in {"#", "."}:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            known = pages[target].anchors if target in pages else None
            if not target.is_file() or (anchor and known is not None and anchor not in known and anchor != "__codelineno"):
                broken.append(f"{file.relative_to(site)}: {link}")
    assert broken == []


def test_formulas_are_mathml_and_none_is_left_as_latex(site: Path) -> None:
    text = (site / "methods" / "bayes-adaptive.html").read_text(encoding="utf-8")
    assert text.count('<div class="equation"><math') >= 9
    left = [file for file in site.rglob("*.html") if "arithmatex" in file.read_text(encoding="utf-8")]
    assert left == []


def test_every_method_is_in_the_overview_and_its_page_in_the_navigation(site: Path) -> None:
    overview = (site / "methods" / "index.html").read_text(encoding="utf-8")
    for method in METHODS.values():
        assert f"<code>{method.name}</code>" in overview
        assert unescape(method.source) in unescape(overview)
    listed = {page for section in method_pages() for pages in section.values() for page in pages}
    assert {f"methods/{method.page.partition('#')[0]}" for method in METHODS.values() if method.page} <= listed
    assert [page for page in listed if not (REPOSITORY / "docs" / page).is_file()] == []


def test_every_public_name_is_in_the_reference(pages: dict[Path, Page], site: Path) -> None:
    anchors = pages[site / "reference" / "python.html"].anchors | pages[site / "reference" / "extending.html"].anchors
    public = {name for name in darlr.__all__ if not name.startswith("__")}
    assert {name for name in public if f"darlr.{name}" not in anchors} == set()


def test_every_command_is_in_the_reference(site: Path) -> None:
    text = unescape((site / "reference" / "commands.html").read_text(encoding="utf-8"))
    assert [name for name in COMMANDS if f"usage: darlr {name}" not in text] == []


def test_the_search_has_its_index_as_a_script(site: Path) -> None:
    """So that it works from a folder, without a server."""
    assert (site / "search" / "search_index.js").read_text(encoding="utf-8").startswith("var __index = ")
    assert "assets/iframe-worker.js" in (site / "index.html").read_text(encoding="utf-8")


def test_links_into_the_repository_lead_to_copies() -> None:
    page = "[a](../experiments/fair.yaml) [b](../CHANGELOG.md) [c](methods/dorl.md#settings) [d](https://example.org/x)"
    assert linked(page, "results.md") == (
        "[a](repository/experiments/fair.yaml.txt) [b](changelog.md) [c](methods/dorl.md#settings) [d](https://example.org/x)"
    )
    assert linked("[a](docs/data.md)", "changelog.md") == "[a](data.md)"


def test_formulas_of_both_kinds_are_rendered() -> None:
    page = '<span class="arithmatex">\\(a &lt; b\\)</span><div class="arithmatex">\\[\nx_i\n\\]</div>'
    inline, block = rendered(page).split('<div class="equation">')
    assert inline.startswith("<math")
    assert 'display="inline"' in inline
    assert "&#x0003C;" in inline
    assert 'display="block"' in block


def test_a_page_has_the_facts_of_its_methods() -> None:
    text = facts([METHODS["mopo"]])
    assert "`reward.entropy_weight: 0.0`" in text
    assert "default on `coat`" in text
    assert "[`a2c`](../settings.md#a2c)" in text


def test_every_method_belongs_to_one_family() -> None:
    found = families(METHODS.values())
    assert sorted(method.name for members in found.values() for method in members) == sorted(METHODS)


def test_the_navigation_keeps_what_it_names() -> None:
    nav = completed([{"Start": ["index.md"]}, {"Methods": ["methods/index.md"]}])
    assert nav[0] == {"Start": ["index.md"]}
    assert nav[1]["Methods"][0] == "methods/index.md"
    assert len(nav[1]["Methods"]) > 3
