"""Generated parts of the pages on methods, from the registry: the table of all methods, and each page's facts."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from darlr.methods.method import Method
from darlr.methods.registry import METHODS
from website.repository import DOCS

OVERVIEW = "<!-- the table of all methods -->"
SETTINGS = re.compile(r"(?<=^## Settings\n)(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
TOLD, SIMULATED, OFFLINE, OTHERS = (
    "Told the truth, to show what is possible",
    "Learn in the simulator",
    "Learn from the log alone, replayed",
    "Learn nothing in episodes",
)


def filled(markdown: str, site_uri: str) -> str:
    """The `markdown` of the page at `site_uri`, with the overview, or with the facts of the page's methods."""
    if site_uri == "methods/index.md":
        return markdown.replace(OVERVIEW, overview(METHODS.values()))
    name = site_uri.removeprefix("methods/")
    ours = [method for method in METHODS.values() if method.page.partition("#")[0] == name]
    if not site_uri.startswith("methods/") or not ours:
        return markdown
    return SETTINGS.sub(lambda found: f"{found['text'].rstrip()}\n\n{facts(ours)}\n\n", markdown, count=1)


def family(method: Method) -> str:
    """The heading under which a `method` stands."""
    if method.reward == "truth":
        return TOLD
    return SIMULATED if method.simulated else OFFLINE if method.offline else OTHERS


def families(methods: Iterable[Method]) -> dict[str, list[Method]]:
    """The `methods` by family, in their order; families without any are left out."""
    found: dict[str, list[Method]] = {heading: [] for heading in (SIMULATED, OFFLINE, OTHERS, TOLD)}
    for method in methods:
        found[family(method)].append(method)
    return {heading: members for heading, members in found.items() if members}


def overview(methods: Iterable[Method]) -> str:
    """Tables of `methods` by family: name, summary, source."""
    parts = []
    for heading, members in families(methods).items():
        parts += [f"## {heading}", "", "| `--method` | what it learns | from |", "| --- | --- | --- |"]
        parts += [f"| {_link(method)} | {_cell(method.summary)} | {_cell(method.source)} |" for method in members]
        parts.append("")
    return "\n".join(parts)


def facts(methods: Iterable[Method]) -> str:
    """A table for each of `methods`: its fixed settings, its published settings, and the search space of a study."""
    parts = []
    for method in methods:
        rows = [("fixed; another value makes another method", _values(flat(method.fixed)))]
        for dataset, settings in method.published.items():
            rows.append((f"default on `{dataset}`" if dataset else "default elsewhere", _values(flat(settings))))
        rows.append(("searched by `darlr tune`", ", ".join(f"`{key}`" for key in method.space)))
        sections = ", ".join(f"[`{section.KEY}`](../settings.md#{anchor(section.KEY)})" for section in method.reads)
        rows.append(("sections that it reads", sections))
        parts += [f"| `{method.name}` | |", "| --- | --- |", *(f"| {what} | {values} |" for what, values in rows if values), ""]
    return "\n".join(parts).rstrip()


def flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested `settings` by dotted key."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return found


def anchor(section: str) -> str:
    """The anchor of a section on the page of settings."""
    return section.replace(".", "")


def _values(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}: {_cell(str(value))}`" for key, value in settings.items())


def _link(method: Method) -> str:
    page = method.page.partition("#")[0]
    return f"[`{method.name}`]({method.page})" if page and (DOCS / "methods" / page).exists() else f"`{method.name}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
