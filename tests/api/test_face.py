import ast
import inspect
import subprocess
import sys

import pytest

import darlr


def test_every_name_is_there_and_is_listed_once() -> None:
    names = set(darlr.__all__)
    assert names == {*darlr._HOMES, "__version__"}
    assert names <= set(dir(darlr))
    for name in names:
        assert getattr(darlr, name) is not None
    tree = ast.parse(inspect.getsource(darlr))
    [typed] = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {(alias.name, node.module) for node in typed.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == {(name, f"darlr.{home}") for name, home in darlr._HOMES.items()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'darlr' has no attribute 'nothing'"):
        darlr.nothing  # noqa: B018


def test_importing_darlr_loads_neither_torch_nor_polars() -> None:
    program = "import sys, darlr; darlr.InputError; print(sorted({'torch', 'polars', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout == "[]\n"
