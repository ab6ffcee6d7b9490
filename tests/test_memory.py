"""Computations that cannot fit into the memory are refused before they begin."""

import pytest

from darlr import memory
from darlr.errors import InputError
from darlr.memory import Need, memory_here, require_fits

GIB = 1024**3


def test_what_fits_is_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_here", lambda: 4 * GIB)
    require_fits([])
    require_fits([Need(2 * GIB, "a", "one"), Need(2 * GIB, "b", "other")])


def test_the_largest_need_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_here", lambda: 4 * GIB)
    for needs, message in (
        (
            [Need(1, "key 'a' is 1", "one"), Need(5 * 1024 * GIB, "key 'b' is 2", "other")],
            "key 'b' is 2, which takes about 5.0 TiB for other; expected at most the 4.0 GiB of this machine",
        ),
        (
            [Need(3 * GIB, "key 'a' is 1", "one"), Need(2.5 * GIB, "key 'b' is 2", "other")],
            "key 'a' is 1, which takes about 3.0 GiB for one, 5.5 GiB in all; expected at most the 4.0 GiB of this machine",
        ),
    ):
        with pytest.raises(InputError) as refused:
            require_fits(needs)
        assert str(refused.value).startswith(message)


def test_the_limits_of_a_container_and_of_the_process_count(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    whole = memory_here()
    assert whole > 2**28
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "some").write_text("1000000\n")
    monkeypatch.setattr(memory, "_CGROUPS", (tmp_path / "max", tmp_path / "absent"))
    assert memory_here() >= whole
    monkeypatch.setattr(memory, "_CGROUPS", (tmp_path / "max", tmp_path / "some"))
    assert memory_here() == 1_000_000
    monkeypatch.setattr("resource.getrlimit", lambda which: (999, 999))
    assert memory_here() == 999
