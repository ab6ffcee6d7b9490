"""Files of tensors: whole, the same bytes for the same content, and no other file is taken for one."""

import math
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from darlr.artifacts import read_tensors, write_tensors
from darlr.errors import InputError, RunError
from tests.artifacts.processes import kill, start


def every_kind() -> dict[str, torch.Tensor]:
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return {
        "whole": base,
        "view": base[:, 1:3],
        "transposed": base.T,
        "same": base,
        "expanded": torch.ones(1).expand(5),
        "scalar": torch.tensor(3, dtype=torch.int64),
        "empty": torch.empty(0, 7),
        "mask": torch.tensor([True, False]),
        "random": torch.Generator().manual_seed(1).get_state(),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "precise": torch.ones(1, dtype=torch.float64),
        "learned": torch.nn.Parameter(torch.zeros(2)),
    }


def test_round_trip_of_every_kind(tmp_path: Path) -> None:
    tensors = every_kind()
    state = {"epoch": 4, "best": None, "names": ["ä"], "large": 2**62, "rate": 1e-300}
    write_tensors(tmp_path / "a.safetensors", tensors, state)
    loaded, loaded_state = read_tensors(tmp_path / "a.safetensors")
    assert loaded_state == state
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_the_file_is_what_the_safetensors_library_would_write(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, every_kind(), {"names": ['"quoted" \n ä']})
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    contiguous = {name: tensor.detach().clone().contiguous() for name, tensor in every_kind().items()}
    assert path.read_bytes() == safetensors.torch.save(contiguous, metadata)


def test_others_may_read_what_the_users_mask_lets_them(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, {})
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_loaded_tensors_may_be_changed_and_saved_again(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "a.safetensors"
    write_tensors(path, {"a": torch.zeros(3), "b": torch.zeros(2)}, {})
    tensors, _ = read_tensors(path)
    tensors["a"] += 1
    assert torch.equal(read_tensors(path)[0]["a"], torch.zeros(3))
    write_tensors(path, tensors, {})
    assert torch.equal(read_tensors(path)[0]["a"], torch.ones(3))
    assert torch.equal(read_tensors(path)[0]["b"], torch.zeros(2))


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.safetensors" for number in range(8)]
    for path in paths:
        write_tensors(path, {"b": torch.ones(2), "a": torch.zeros(3)}, {"epoch": 1})
    assert len({path.read_bytes() for path in paths}) == 1


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.arange(4)}, {"epoch": 1})
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"a\.safetensors: cannot be used.*delete it"):
            read_tensors(path)


def test_every_changed_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.arange(4)}, {"epoch": 1})
    expected = read_tensors(path)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            tensors, state = read_tensors(path)
        except InputError:
            continue
        # A few bytes carry nothing (the padding, an entry of the header that nobody reads).
        assert torch.equal(tensors["a"], expected[0]["a"])
        assert state == expected[1]


def test_tampering_with_the_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.arange(4)}, {"epoch": 1})
    path.write_bytes(path.read_bytes().replace(rb"{\"epoch\": 1}", rb"{\"epoch\": 2}"))
    with pytest.raises(InputError, match="does not match its checksum"):
        read_tensors(path)


def test_swapped_tensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.zeros(4), "b": torch.ones(4)}, {})
    path.write_bytes(path.read_bytes().replace(b'"a":', b'"#":').replace(b'"b":', b'"a":').replace(b'"#":', b'"b":'))
    with pytest.raises(InputError, match="does not match its checksum"):
        read_tensors(path)


def test_others_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(InputError, match="no such file"):
        read_tensors(path)
    with pytest.raises(InputError, match="no such file"):
        read_tensors(tmp_path)
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="darlr did not write it"):
        read_tensors(path)
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="no safetensors file"):
        read_tensors(path)


def test_unreadable_places_are_refused(unwritable: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_tensors(unwritable / "a.safetensors")
    with pytest.raises(RunError, match="cannot be written"):
        write_tensors(unwritable / "a.safetensors", {}, {})


def test_nan_tensors_are_kept_but_a_nan_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.tensor([math.nan])}, {})
    assert read_tensors(path)[0]["a"].isnan().all()
    with pytest.raises(RunError, match="'best' is nan"):
        write_tensors(path, {}, {"best": math.nan})


def test_a_writer_killed_before_the_last_step_leaves_the_old_file(tmp_path: Path) -> None:
    write_tensors(tmp_path / "checkpoint.safetensors", {"a": torch.zeros(3)}, {"epoch": 1})
    child = start(
        f"""
        import os
        from pathlib import Path
        import torch
        from darlr.artifacts import write_tensors

        def stand_still(_):
            print("ready", flush=True)
            input()

        os.fsync = stand_still
        write_tensors(Path({str(tmp_path)!r}) / "checkpoint.safetensors", {{"a": torch.ones(3)}}, {{"epoch": 2}})
        """
    )
    kill(child)
    assert len(list(tmp_path.glob(".*.partial"))) == 1  # it was indeed in the middle of writing
    tensors, state = read_tensors(tmp_path / "checkpoint.safetensors")
    assert state == {"epoch": 1}
    assert torch.equal(tensors["a"], torch.zeros(3))
