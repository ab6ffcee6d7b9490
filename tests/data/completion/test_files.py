import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from darlr.data.completion.files import Completion, manifest_path, open_completion, write_completion
from darlr.errors import InputError

INPUTS = {"drawn.txt": "abc", "other.txt": "def"}
ROWS = np.array([[0.0, 0.5], [1.0, 0.25], [0.75, 0.5]], np.float32)


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    write(tmp_path / "t.npy")
    return tmp_path / "t.npy"


def write(path: Path, rows: np.ndarray = ROWS) -> Completion:
    edges = np.array([0.0, 0.5, 1.0])
    return write_completion(path, (len(rows), 2), iter([rows[:2], rows[2:]]), edges, {"inputs": INPUTS})


def test_what_is_written_is_opened(matrix: Path) -> None:
    opened = open_completion(matrix, INPUTS, fingerprint)
    np.testing.assert_array_equal(opened.rewards, ROWS)
    assert opened.sha256 == fingerprint(matrix)
    assert opened.manifest["matrix"] == {
        "sha256": opened.sha256,
        "shape": [3, 2],
        "mean": 0.5,
        "histogram": {"edges": [0.0, 0.5, 1.0], "counts": [2, 4]},
    }
    np.testing.assert_array_equal(np.load(matrix), ROWS)


def test_the_matrix_is_a_map_that_nobody_writes_to(matrix: Path) -> None:
    rewards = open_completion(matrix, INPUTS, fingerprint).rewards
    assert isinstance(rewards, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        rewards[0, 0] = 1.0


def test_a_crash_leaves_a_matrix_without_manifest_which_counts_as_absent(matrix: Path) -> None:
    manifest_path(matrix).unlink()
    with pytest.raises(InputError, match=r"t\.json: no such file"):
        open_completion(matrix, INPUTS, fingerprint)


def test_blocks_that_fail_leave_the_former_truth(matrix: Path) -> None:
    def blocks() -> Iterator[np.ndarray]:
        yield ROWS[:1]
        raise KeyboardInterrupt

    before = sorted(path.name for path in matrix.parent.iterdir())
    with pytest.raises(KeyboardInterrupt):
        write_completion(matrix, (3, 2), blocks(), np.array([0.0, 1.0]), {"inputs": {}})
    assert sorted(path.name for path in matrix.parent.iterdir()) == before
    np.testing.assert_array_equal(open_completion(matrix, INPUTS, fingerprint).rewards, ROWS)


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({"drawn.txt": "abd", "other.txt": "def"}, "drawn.txt"),
        ({"drawn.txt": "abc"}, "other.txt"),
        ({**INPUTS, "more.txt": "x"}, "more.txt"),
    ],
)
def test_other_inputs_are_noticed(matrix: Path, inputs: dict[str, str], name: str) -> None:
    with pytest.raises(InputError, match=rf"t\.json: the truth was completed from another '{name}' than there is now"):
        open_completion(matrix, inputs, fingerprint)


def test_damage_is_noticed(matrix: Path) -> None:
    manifest = manifest_path(matrix)
    whole = matrix.read_bytes()
    matrix.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=r"t\.npy: not the file that its manifest, t\.json, was written for"):
        open_completion(matrix, INPUTS, fingerprint)
    matrix.write_bytes(whole)
    values = json.loads(manifest.read_text())
    values["matrix"]["shape"] = [2, 3]
    manifest.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"t\.npy: float32 of shape \(3, 2\); expected float32 of \(2, 3\) by t\.json"):
        open_completion(matrix, INPUTS, fingerprint)
    for text in ("{}", "[]", '{"inputs": 3, "matrix": {"sha256": "", "shape": []}}'):
        manifest.write_text(text)
        with pytest.raises(InputError, match=r"t\.json: not the manifest of a completed truth"):
            open_completion(matrix, INPUTS, fingerprint)


def test_a_file_of_another_kind_is_refused(matrix: Path) -> None:
    matrix.write_bytes(b"not numpy's")
    values = json.loads(manifest_path(matrix).read_text())
    values["matrix"]["sha256"] = fingerprint(matrix)
    manifest_path(matrix).write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"t\.npy: not a readable \.npy file"):
        open_completion(matrix, INPUTS, fingerprint)
