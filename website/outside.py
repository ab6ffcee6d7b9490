"""Links from pages to files of the repository that are no pages: the files are copied into the site, and the links lead there.

In the repository such a link is an ordinary relative path, so it works where Markdown is read in place, too.
"""

import os.path
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, InclusionLevel

from website.repository import DOCS, NOTEBOOKS, PREFIX, ROOT, home, uri

LINK = re.compile(r"(?<=\]\()(?P<path>[^()\s#:]+)(?P<anchor>#[^()\s]*)?(?=\))")


def linked(markdown: str, site_uri: str) -> str:
    """The `markdown` of the page at `site_uri` with links that hold on the site."""
    origin = home(site_uri)

    def moved(found: re.Match[str]) -> str:
        target = uri(_target(origin, found["path"]))
        return os.path.relpath(target, PurePosixPath(site_uri).parent) + (found["anchor"] or "")

    return LINK.sub(moved, markdown)


def pages(config: MkDocsConfig) -> Iterator[File]:
    """The changelog, and copies of all files that pages link to and the site lacks."""
    yield File.generated(config, "changelog.md", abs_src_path=str(ROOT / "CHANGELOG.md"))
    waiting = [PurePosixPath(file.relative_to(ROOT)) for file in (*DOCS.rglob("*.md"), *NOTEBOOKS.glob("*.ipynb"))]
    seen: set[PurePosixPath] = set(waiting)
    while waiting:
        page = waiting.pop()
        for found in LINK.finditer((ROOT / page).read_text(encoding="utf-8")):
            path = _target(page, found["path"])
            if path in seen or not uri(path).startswith(f"{PREFIX}/") or not (ROOT / path).is_file():
                continue
            seen.add(path)
            if path.suffix == ".md":
                waiting.append(path)
            yield File.generated(config, uri(path), abs_src_path=str(ROOT / path), inclusion=InclusionLevel.NOT_IN_NAV)


def _target(page: PurePosixPath, link: str) -> PurePosixPath:
    """The path in the repository that a relative `link` on `page` leads to."""
    return PurePosixPath(os.path.normpath(page.parent / link))
