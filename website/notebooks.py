"""Notebooks as pages of the site: text and code in their order, and the notebook itself to download."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File

from website.repository import NOTEBOOKS


def pages(config: MkDocsConfig) -> Iterator[File]:
    """A page and a download for each notebook."""
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        yield File.generated(config, f"notebooks/{file.stem}.md", content=page(file))
        yield File.generated(config, f"notebooks/{file.name}", abs_src_path=str(file))


def page(notebook: Path) -> str:
    """The cells of a `notebook` in Markdown. Its first cell begins with the title, behind which the download stands."""
    cells = nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4).cells  # type: ignore[no-untyped-call]
    title, _, rest = cells[0].source.partition("\n")
    parts = [title, f'<p><a href="{notebook.name}" download>Download this notebook</a></p>', rest]
    for cell in cells[1:]:
        parts.append(cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
    return "\n\n".join(parts) + "\n"
