"""The navigation's lists that grow by themselves: methods and notebooks."""

import re
from typing import Any

from darlr.methods.registry import METHODS
from website.methods import families
from website.repository import DOCS, NOTEBOOKS

Entry = Any
"""An entry of MkDocs' navigation: a page, or a dictionary from a title to a page or to a list of entries."""


def completed(nav: list[Entry]) -> list[Entry]:
    """The navigation of mkdocs.yml with a page for each method and notebook behind the pages that it names."""
    added = {"Methods": method_pages(), "Notebooks": notebook_pages()}
    return [
        {title: [*entries, *added.get(title, [])] for title, entries in section.items()}
        if isinstance(section, dict)
        else section
        for section in nav
    ]


def method_pages() -> list[Entry]:
    """Pages of docs/methods by family, in the registry's order, then opponents and what methods share; each page once."""
    left = [f"methods/{file.name}" for file in sorted((DOCS / "methods").glob("*.md")) if file.name != "index.md"]
    sections: list[Entry] = []
    for heading, members in families(METHODS.values()).items():
        named = dict.fromkeys(f"methods/{method.page.partition('#')[0]}" for method in members if method.page)
        own = [page for page in named if page in left]
        left = [page for page in left if page not in own]
        sections += [{heading: own}] if own else []
    beside = [page for page in _linked("supervised.md") if page in left]
    return [*sections, {"Supervised opponents": beside}, {"What they share": [page for page in left if page not in beside]}]


def _linked(name: str) -> list[str]:
    """The page `name` of docs/methods and those beside it that it links to, in their order."""
    links = re.findall(r"\]\(([\w-]+\.md)", (DOCS / "methods" / name).read_text(encoding="utf-8"))
    return [f"methods/{link}" for link in dict.fromkeys([name, *links])]


def notebook_pages() -> list[str]:
    """The page of every notebook, in the order of their files."""
    return [f"notebooks/{file.stem}.md" for file in sorted(NOTEBOOKS.glob("*.ipynb"))]
