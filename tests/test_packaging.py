"""What a release is made of hangs together: bounds and constraints, versions, what is shipped, and the forms for issues."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from darlr import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def pinned(name: str) -> dict[str, str]:
    """Package -> version in a file of constraints."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(package): version for package, version in (line.split("==") for line in lines)}


def bounds(requirements: list[str]) -> dict[str, str]:
    """Package -> its lower bound, of those that are needed on this kind of system."""
    parsed = [Requirement(text) for text in requirements]
    needed = [found for found in parsed if found.marker is None or found.marker.evaluate({"extra": ""})]
    return {canonicalize_name(found.name): str(found.specifier).removeprefix(">=") for found in needed}


def parts(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    return numbers + [0] * (3 - len(numbers))


def test_the_oldest_versions_that_are_tried_are_the_lower_bounds() -> None:
    oldest, lowest = pinned("constraints-oldest.txt"), bounds(PROJECT["dependencies"])
    assert oldest.keys() == lowest.keys()
    assert {name: parts(version) for name, version in oldest.items()} == {name: parts(v) for name, v in lowest.items()}


def test_every_dependency_has_its_tested_version() -> None:
    extras = [text for name, extra in PROJECT["optional-dependencies"].items() if name != "compare" for text in extra]
    asked = bounds([*PROJECT["dependencies"], *(text for text in extras if not text.startswith("darlr["))])
    untested = asked.keys() - pinned("constraints.txt").keys()
    assert untested <= {"pandas", "pyarrow"}  # only to check that their tables are read


def test_the_version_is_one() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert PROJECT["dynamic"] == ["version"]
    assert re.search(rf"^## \[?{re.escape(__version__)}\]?", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("form", FORMS, ids=lambda file: file.name)
def test_forms_for_issues_have_what_their_host_asks_for(form: Path) -> None:
    content = yaml.safe_load(form.read_text())
    if form.name == "config.yml":
        assert content == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "body"} <= content.keys()
    for field in content["body"]:
        assert field["type"] in ("textarea", "input", "checkboxes")
        assert field["attributes"]["label"]


def test_what_every_change_passes_leaves_the_matrix_out() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert not any("matrix" in line for line in commands)
    assert ".ci/matrix" in (ROOT / "Makefile").read_text()
