"""Entries of darlr, of third parties, and of installed packages."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from darlr.errors import InputError
from darlr.registry import Registry


def numbers() -> Registry[int]:
    return Registry("number", lambda: {"one": 1, "two": 2})


def test_own_entries_come_first_then_the_others_in_their_order() -> None:
    registry = numbers()
    assert registry.register("zero", 0) == 0
    registry.register("five", 5)
    assert list(registry.items()) == [("one", 1), ("two", 2), ("zero", 0), ("five", 5)]
    assert len(registry) == 4
    assert "five" in registry


def test_own_entries_are_made_once_and_only_when_asked_for() -> None:
    asked: list[int] = []

    def own() -> Mapping[str, int]:
        asked.append(1)
        return {"one": 1}

    registry = Registry("number", own)
    assert asked == []
    assert (registry["one"], registry["one"], asked) == (1, 1, [1])


@pytest.mark.parametrize(
    ("name", "message"), [("", "needs a name"), ("one", "named 'one' already"), ("six", "named 'six' already")]
)
def test_names_that_are_refused(name: str, message: str) -> None:
    registry = numbers()
    registry.register("six", 6)
    with pytest.raises(InputError, match=message):
        registry.register(name, 7)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"number 'tow'.*two"):
        numbers()["tow"]


def test_an_entry_can_be_taken_back() -> None:
    registry = numbers()
    registry.register("six", 6)
    registry.unregister("six")
    assert "six" not in registry
    with pytest.raises(InputError, match="registered number 'one'"):
        registry.unregister("one")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with distributions, in the layout of pip."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("plugged_")]:
        del sys.modules[name]


def install(folder: Path, module: str, text: str, value: str) -> None:
    (folder / f"{module}.py").write_text(text)
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[darlr.plugins]\n{module} = {value}\n")


def test_a_package_registers_by_its_entry_point(installed: Path) -> None:
    text = "def plug():\n    import plugged_well\n    plugged_well.called = getattr(plugged_well, 'called', 0) + 1\n"
    install(installed, "plugged_well", text, "plugged_well:plug")
    registry = numbers()
    assert [len(registry), len(registry)] == [2, 2]
    assert sys.modules["plugged_well"].called == 1


def test_a_package_may_look_into_a_registry_while_it_registers(installed: Path) -> None:
    text = """
import plugged_curious
from tests.test_registry import numbers

found = []

def plug():
    plugged_curious.found.append(numbers()["two"])
"""
    install(installed, "plugged_curious", text, "plugged_curious:plug")
    assert numbers()["one"] == 1
    assert sys.modules["plugged_curious"].found == [2]


def test_a_package_that_cannot_be_loaded_is_named(installed: Path) -> None:
    install(installed, "plugged_badly", "raise ValueError('no such thing')", "plugged_badly")
    with pytest.raises(InputError, match=r"plugin 'plugged_badly' .*ValueError: no such thing"):
        len(numbers())
    with pytest.raises(InputError, match="no such thing"):  # and again, as long as it is there
        len(numbers())
