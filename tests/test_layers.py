"""Imports only go to earlier layers, and only permitted rooms import the truth."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "darlr"

ORDER = (
    ("text", "errors", "memory", "largest", "_version", "registry", "seeding", "reading", "config", "artifacts", "cluster"),
    ("world",),
    ("data",),
    ("world_model",),
    ("rewards",),
    ("simulator",),
    ("agents",),
    ("evaluation",),
    ("methods",),
    ("references", "report"),
    ("run",),
    ("serving", "sweep"),
    ("tuning", "api"),
    ("cli", "testing"),
    ("__init__", "__main__"),
)
LAYERS = {part: number for number, parts in enumerate(ORDER) for part in parts}
LAST = max(LAYERS.values())
MAY_SEE_TRUTH = {"data", "evaluation", *(part for part, layer in LAYERS.items() if layer >= LAYERS["run"])}


def module_name(file: Path, package: Path) -> str:
    return ".".join((package.name, *file.relative_to(package).with_suffix("").parts)).removesuffix(".__init__")


def imports_of(file: Path, package: Path) -> set[str]:
    """Return full names of the package's modules (or of names in them) that a file imports, even inside functions."""
    name = module_name(file, package)
    parent = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = parent[: len(parent) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return {name for name in found if name.split(".")[0] == package.name}


def part_of(name: str) -> str:
    """Return 'data' for 'darlr.data.log'; '__init__' for the package itself."""
    return name.split(".")[1] if "." in name else "__init__"


def layer_of(name: str) -> int:
    """Return the layer of a module or of a name in it; names of the package's face belong to the last layer, even its version.

    A room's settings are declarations on the first layer, because the whole config is built from them.
    """
    declared = name.split(".")[2:3] == ["settings"]
    return 0 if declared else LAYERS.get(part_of(name), LAST)


def reaches(imported: str, modules: set[str]) -> str | None:
    """Return which of `modules` an import opens, as `a.b` or as a name in it, `a.b.c`."""
    return next((name for name in (imported, imported.rpartition(".")[0]) if name in modules), None)


def truth_bearing(package: Path) -> set[str]:
    """Return `data.truth`, and the modules of `data` that lead to it."""
    bearing = {f"{package.name}.data.truth"}
    files = {module_name(file, package): file for file in (package / "data").rglob("*.py")}
    while True:
        more = {
            name
            for name, file in files.items()
            if name not in bearing and any(reaches(imported, bearing) for imported in imports_of(file, package))
        }
        if not more:
            return bearing
        bearing |= more


def violations(package: Path) -> list[str]:
    hidden = truth_bearing(package)
    found = []
    for file in sorted(package.rglob("*.py")):
        name = module_name(file, package)
        part = part_of(name)
        if part not in LAYERS:
            found.append(f"{name}: '{part}' has no layer; add it to LAYERS")
            continue
        for imported in sorted(imports_of(file, package)):
            layer = layer_of(imported)
            if layer > layer_of(name):
                found.append(f"{name} (layer {layer_of(name)}) imports {imported} (layer {layer})")
            if part not in MAY_SEE_TRUTH and (opened := reaches(imported, hidden)):
                found.append(f"{name} imports {imported}, which opens the truth through {opened}")
    return found


def test_package_keeps_its_layers() -> None:
    assert violations(PACKAGE) == []


def test_readers_bear_the_truth_and_the_log_does_not() -> None:
    bearing = truth_bearing(PACKAGE)
    assert {
        f"darlr.data.{name}" for name in ("truth", "source", "registry", "readers.coat", "readers.folder", "readers.synthetic")
    } <= bearing
    assert not {f"darlr.data.{name}" for name in ("log", "catalog", "dataset", "parsing.tables")} & bearing


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package that keeps the rules."""
    files = {
        "__init__.py": "from darlr._version import __version__",
        "errors.py": "from darlr._version import __version__",
        "_version.py": "__version__ = '1'",
        "data/__init__.py": "",
        "data/log.py": "from darlr.errors import InputError",
        "data/truth.py": "from darlr.data.log import InteractionLog",
        "data/registry.py": "from .truth import Truth",
        "rewards/shift.py": "from darlr.data.log import InteractionLog",
        "evaluation/test.py": "from darlr.data.truth import Truth\nfrom darlr.rewards.shift import shift",
        "run/training.py": "from darlr.data import registry",
    }
    for name, text in files.items():
        file = tmp_path / "darlr" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "darlr"


def test_checker_accepts_what_keeps_the_rules(package: Path) -> None:
    assert violations(package) == []


@pytest.mark.parametrize(
    ("file", "text", "telling"),
    [
        (
            "rewards/bad.py",
            "from darlr.simulator.environment import Simulator",
            "imports darlr.simulator.environment.Simulator",
        ),
        ("rewards/bad.py", "import darlr.agents.a2c", "imports darlr.agents.a2c"),
        ("rewards/bad.py", "def late():\n    from darlr import run", "imports darlr.run"),
        ("rewards/bad.py", "from darlr import Recommender", "imports darlr.Recommender"),
        ("rewards/bad.py", "from darlr import __version__", "imports darlr.__version__"),
        ("data/bad.py", "from ..rewards import shift", "imports darlr.rewards.shift"),
        ("agents/bad.py", "from darlr.data.truth import Truth", "opens the truth through darlr.data.truth"),
        ("agents/bad.py", "from darlr.data import truth", "opens the truth through darlr.data.truth"),
        ("agents/bad.py", "from darlr.data.registry import load", "opens the truth through darlr.data.registry"),
        ("report/bad.py", "from darlr.data.truth import Truth", "opens the truth"),
        ("rewards/settings.py", "from darlr.data.log import InteractionLog", "imports darlr.data.log.InteractionLog"),
        ("stray.py", "", "'stray' has no layer"),
    ],
)
def test_checker_catches_an_offender(package: Path, file: str, text: str, telling: str) -> None:
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_text(text)
    found = violations(package)
    assert found
    assert any(telling in line for line in found), found
