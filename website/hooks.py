"""Functions that MkDocs calls while it builds the site (mkdocs.yml)."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from website import commands, mathematics, methods, navigation, notebooks, outside


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages of methods and notebooks to the navigation, so that a new one appears by itself."""
    config.nav = navigation.completed(config.nav or [])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are generated, and the files of the repository that pages link to."""
    for file in (*notebooks.pages(config), *outside.pages(config)):
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the tables that come from darlr's registries, then turn links into the repository to links of the site."""
    uri = page.file.src_uri
    return outside.linked(commands.filled(methods.filled(markdown, uri), uri), uri)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn formulas into MathML, which browsers show without a script."""
    return mathematics.rendered(html)
