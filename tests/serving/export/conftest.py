"""Small runs, each exported once; they share their world models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from darlr.config.loading import merge
from darlr.serving.export.writing import export_policy
from tests.runs import train_small

ONE_EPOCH: Mapping[str, Any] = {
    "training": {"epochs": 1, "steps_per_epoch": 60},
    "evaluation": {"episodes": 2},
    "world_model": {"max_epochs": 1},
    "offline": {"updates_per_epoch": 20, "batch_size": 32},
}


@dataclass(frozen=True)
class Case:
    """A run and the folder that it was exported to."""

    run: Path
    folder: Path


@pytest.fixture(scope="package")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Case]:
    """`exported(method, settings)`: settings as words "key=value", so that a case is made once."""
    out = tmp_path_factory.mktemp("exported")

    @cache
    def make(method: str, words: str) -> Case:
        changes = merge(ONE_EPOCH, {"method": method})
        for word in words.split():
            key, _, value = word.partition("=")
            nested: Any = _value(value)
            for part in reversed(key.split(".")):
                nested = {part: nested}
            changes = merge(changes, nested)
        run = train_small(out / "runs", changes).path
        folder = out / f"{method} {words}".replace("/", "-")
        export_policy(run, folder)
        return Case(run, folder)

    return make


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
