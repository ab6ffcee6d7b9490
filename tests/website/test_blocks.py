"""Every block of every page runs, or says why it does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.official_files.coat import write_coat
from tests.runs import REPOSITORY
from tests.website.blocks import (
    ELSEWHERE,
    OTHERS,
    PAGES,
    PROGRAMS,
    Block,
    blocks_of,
    commands_without_fence,
    name_of,
)

MOST_NOT_RUN = 24
"""Blocks that are not run, over all pages: a new one is thought about."""


def run_here(page: Path) -> list[Block]:
    """The blocks of a page that these tests run."""
    if name_of(page) in ELSEWHERE:
        return []
    blocks = blocks_of(page.read_text(encoding="utf-8"))
    return [
        block
        for block in blocks
        if block.language in PROGRAMS and not block.reason and not (page.name == "README.md" and block.language == "sh")
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if run_here(page)], ids=name_of)
def test_the_blocks_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    here, data = tmp_path / "here", tmp_path / "data"
    here.mkdir()
    write_coat(data / "coat")
    blocks = json.dumps([(block.language, block.text) for block in run_here(page)])
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")])
    places = {"PYTHONPATH": path, "DARLR_DATA": str(data), "DARLR_CACHE": str(tmp_path / "cache"), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "tests.website.running"]
    ended = subprocess.run(
        command, input=blocks, check=False, cwd=here, env=os.environ | places, capture_output=True, text=True, timeout=600
    )
    assert ended.returncode == 0, f"{ended.stdout[-2_000:]}\n{ended.stderr[-4_000:]}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert commands_without_fence(text) == []
    assert {block.language for block in blocks_of(text)} <= {*PROGRAMS, *OTHERS}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_yaml_is_yaml(page: Path) -> None:
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.language == "yaml":
            assert isinstance(yaml.safe_load(block.text), dict)


@pytest.mark.parametrize(("page", "test"), ELSEWHERE.items())
def test_a_page_that_is_run_elsewhere_is_named_there(page: str, test: str) -> None:
    assert Path(page).name in (REPOSITORY / test).read_text(encoding="utf-8")


def test_the_commands_of_the_readme_are_targets() -> None:
    made = [block for block in blocks_of(PAGES[0].read_text(encoding="utf-8")) if block.language == "sh"]
    targets = [line.split()[1] for block in made for line in block.text.splitlines()]
    assert targets == ["train", "test"]
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}: install" in makefile for target in targets)


def test_few_blocks_are_not_run() -> None:
    reasons = [block.reason for page in PAGES for block in blocks_of(page.read_text(encoding="utf-8")) if block.reason]
    assert 0 < len(reasons) <= MOST_NOT_RUN


def test_blocks_are_found_with_their_reasons() -> None:
    page = "# A\n\n```sh\nls\n```\n\n*Not run by the tests: why.*\n\n```python\nx\n```\n\n    ```yaml\n    a: 1\n    ```\n"
    assert list(blocks_of(page)) == [Block("sh", "ls\n"), Block("python", "x\n", "why"), Block("yaml", "a: 1\n")]
    assert commands_without_fence("text\n\n    darlr train\n    darlr report\n") == ["darlr train"]
    whole = "# A\n\n*The commands of this page are not run by the tests: why.*\n\n```sh\nls\n```\n\n    darlr train\n"
    assert [block.reason for block in blocks_of(whole)] == ["why"]
    assert commands_without_fence(whole) == []
