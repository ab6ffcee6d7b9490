from pathlib import Path

import pytest

from darlr.errors import InputError
from darlr.serving.http.keys import Keys
from darlr.serving.http.refusals import RefusedError

SHOP, ADMIN = "s" * 16, "a" * 32


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "keys"
    place.write_text(f"# who may ask\n\nshop {SHOP}\nadmin\t{ADMIN}\n")
    return place


def test_a_key_has_the_name_that_its_line_says(file: Path) -> None:
    keys = Keys.read(file)
    assert keys.name_of(f"Bearer {SHOP}") == "shop"
    assert keys.name_of(f"bearer {ADMIN} ") == "admin"
    keys.require_admin("admin")
    with pytest.raises(RefusedError, match="only the key named 'admin'"):
        keys.require_admin("shop")


@pytest.mark.parametrize("header", [None, "", SHOP, f"Basic {SHOP}", "Bearer", f"Bearer {SHOP}x", "Bearer \udc80"])
def test_nothing_else_is_a_key(file: Path, header: str | None) -> None:
    with pytest.raises(RefusedError, match="no valid key") as refused:
        Keys.read(file).name_of(header)
    assert refused.value.status == 401


def test_without_keys_everybody_may_ask_and_nobody_is_admin() -> None:
    keys = Keys({})
    assert (keys.open, keys.name_of(None)) == (True, "")
    with pytest.raises(RefusedError):
        keys.require_admin("")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no key; expected a name and a key a line"),
        ("shop short\n", "line 1: expected a name and a key of at least 16 characters"),
        (f"{SHOP}\n", "line 1: expected a name and a key"),
        (f"a {SHOP}\nb {SHOP}\n", "line 2: its name or its key stands twice"),
        (f"a {SHOP}\na {ADMIN}\n", "line 2: its name or its key stands twice"),
    ],
)
def test_a_file_that_says_something_else_is_refused_without_showing_it(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(InputError, match=told) as refused:
        Keys.read(tmp_path / "keys")
    assert SHOP not in str(refused.value)
