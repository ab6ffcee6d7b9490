"""Pages of methods have their parts, in one order."""

import re
from pathlib import Path

import pytest

from darlr.methods.registry import METHODS
from tests.runs import REPOSITORY

PARTS = ["Idea", "Equations", "Settings", "Logged numbers", "Differences"]
PAGES = sorted({method.page.partition("#")[0] for method in METHODS.values() if method.page})
CURVES = REPOSITORY / "docs" / "figures" / "curves"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_parts_in_order(name: str) -> None:
    text = (REPOSITORY / "docs" / "methods" / name).read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [heading for heading in headings if heading in PARTS] == PARTS


@pytest.mark.parametrize("curve", sorted(CURVES.glob("*.svg")), ids=lambda file: file.stem)
def test_a_curve_stands_on_the_page_of_its_method(curve: Path) -> None:
    page = METHODS[curve.stem].page.partition("#")[0]
    assert f"../figures/curves/{curve.name}" in (REPOSITORY / "docs" / "methods" / page).read_text(encoding="utf-8")
