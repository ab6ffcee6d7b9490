"""One seed, many streams: the same wherever they are drawn, different from each other."""

import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.seeding import derive_seed, numpy_generator, torch_generator


def test_the_same_name_gives_the_same_numbers() -> None:
    first, second = (torch.rand(5, generator=torch_generator(7, "policy", "sampling")) for _ in range(2))
    assert torch.equal(first, second)
    assert (numpy_generator(7, "data").random(5) == numpy_generator(7, "data").random(5)).all()


def test_names_and_seeds_give_streams_apart() -> None:
    streams: list[tuple[int, tuple[str, ...]]] = [(0, ("a",)), (1, ("a",)), (0, ("b",)), (0, ("a", "b")), (0, ()), (10, ("a",))]
    streams += [
        (0, ("ab",)),
        (0, ("a", "bc")),
        (0, ("ab", "c")),
        (1, ("0", "a")),
        (10, ("0",)),
        (1, ("00",)),
    ]
    assert len({tuple(torch_generator(seed, *names).get_state().tolist()) for seed, names in streams}) == len(streams)
    assert len({float(numpy_generator(seed, *names).random()) for seed, names in streams}) == len(streams)


def test_drawing_from_one_stream_leaves_the_others_alone() -> None:
    torch.rand(100, generator=torch_generator(0, "a"))
    torch.manual_seed(123)
    before = torch.get_rng_state()
    torch.rand(3, generator=torch_generator(0, "b"))
    assert torch.equal(torch.get_rng_state(), before)


def test_another_process_derives_the_same_seed() -> None:
    program = "from darlr.seeding import derive_seed; print(derive_seed(5, 'world model', 'member 3'))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(printed) == derive_seed(5, "world model", "member 3")


@given(st.integers(min_value=0), st.lists(st.text(), max_size=3))
def test_every_generator_accepts_the_seed(seed: int, names: list[str]) -> None:
    assert 0 <= derive_seed(seed, *names) < 2**63
    torch_generator(seed, *names)
