"""Where the repository's files stand on the site."""

from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOTEBOOKS = ROOT / "examples" / "notebooks"

ELSEWHERE = {"CHANGELOG.md": "changelog.md", "README.md": "index.md"}
"""Files of the repository that have a page of their own, by the page."""
PREFIX = "repository"
"""The folder of the site that holds copies of the repository's files that pages link to."""


def uri(path: PurePosixPath) -> str:
    """The place on the site, relative to its start, of the file at `path` in the repository."""
    if path.parts[0] == "docs":
        return str(path.relative_to("docs"))
    if str(path) in ELSEWHERE:
        return ELSEWHERE[str(path)]
    if path.suffix == ".ipynb":
        return f"notebooks/{path.stem}.md"
    return f"{PREFIX}/{path}" if path.suffix == ".md" else f"{PREFIX}/{path}.txt"


def home(site_uri: str) -> PurePosixPath:
    """The path in the repository of the page at `site_uri`: where its relative links start from."""
    for path, page in ELSEWHERE.items():
        if page == site_uri and not (DOCS / page).exists():
            return PurePosixPath(path)
    if site_uri.startswith("notebooks/") and not (DOCS / site_uri).exists():
        return PurePosixPath("examples/notebooks") / PurePosixPath(site_uri).with_suffix(".ipynb").name
    if site_uri.startswith(f"{PREFIX}/"):
        return PurePosixPath(site_uri.removeprefix(f"{PREFIX}/"))
    return PurePosixPath("docs") / site_uri
