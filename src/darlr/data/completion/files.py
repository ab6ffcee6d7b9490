"""A completed truth on disk: a float32 matrix (.npy), written by rows and read as a memory map, and its manifest.

The manifest is removed before the matrix is replaced and written after it, so a matrix without a manifest counts as absent.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darlr.artifacts.files import decode_json, encode_json, replacing, write_bytes
from darlr.errors import InputError
from darlr.reading import read_text

TYPE = np.dtype("<f4")


@dataclass(frozen=True)
class Completion:
    """A completed truth.

    Attributes:
        rewards: (n_users, n_items) float32, a read-only memory map.
        manifest: its sources, settings and figures.
    """

    rewards: NDArray[np.float32]
    manifest: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the matrix file."""
        return str(self.manifest["matrix"]["sha256"])


def manifest_path(matrix: Path) -> Path:
    """Return the path of the manifest, next to the matrix."""
    return matrix.with_suffix(".json")


def write_completion(
    matrix: Path,
    shape: tuple[int, int],
    blocks: Iterable[NDArray[np.float32]],
    edges: NDArray[np.float64],
    origin: Mapping[str, Any],
) -> Completion:
    """Write the matrix and its manifest.

    Args:
        matrix: the file.
        shape: (n_users, n_items).
        blocks: consecutive rows of the matrix.
        edges: edges of the histogram's bars.
        origin: further entries of the manifest.

    Raises:
        RunError: if they cannot be written.
    """
    counts, total, digest = np.zeros(len(edges) - 1, np.int64), 0.0, hashlib.sha256()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": TYPE.str, "fortran_order": False, "shape": shape})
    with replacing(matrix) as file:
        file.write(header.getvalue())
        digest.update(header.getvalue())
        for block in blocks:
            rows = np.ascontiguousarray(block, TYPE)
            file.write(rows.data)
            digest.update(rows.data)
            counts += np.histogram(rows, edges)[0]
            total += float(rows.sum(dtype=np.float64))
        manifest_path(matrix).unlink(missing_ok=True)
    figures = {
        "sha256": digest.hexdigest(),
        "shape": list(shape),
        "mean": total / (shape[0] * shape[1]),
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }
    manifest = {**origin, "matrix": figures}
    write_bytes(manifest_path(matrix), encode_json(manifest, str(manifest_path(matrix)), indent=2).encode())
    return Completion(_map(matrix), manifest)


def open_completion(matrix: Path, inputs: Mapping[str, str], fingerprint: Callable[[Path], str]) -> Completion:
    """Open the matrix that `write_completion` wrote.

    Args:
        matrix: the file.
        inputs: the present sources, as in `Exposed.inputs`.
        fingerprint: returns a file's SHA-256.

    Raises:
        InputError: naming the file that is missing, damaged, or made from other inputs.
    """
    path = manifest_path(matrix)
    for file in (matrix, path):
        if not file.is_file():
            raise InputError(f"{file}: no such file")
    manifest = decode_json(read_text(path), str(path))
    try:
        made_from = dict(manifest["inputs"])
        sha256, shape = manifest["matrix"]["sha256"], tuple(manifest["matrix"]["shape"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not the manifest of a completed truth") from error
    changed = sorted(name for name in made_from.keys() | inputs.keys() if made_from.get(name) != inputs.get(name))
    if changed:
        raise InputError(f"{path}: the truth was completed from another '{changed[0]}' than there is now")
    if fingerprint(matrix) != sha256:
        raise InputError(f"{matrix}: not the file that its manifest, {path.name}, was written for")
    rewards = _map(matrix)
    if rewards.shape != shape or rewards.dtype != TYPE:
        raise InputError(f"{matrix}: {rewards.dtype} of shape {rewards.shape}; expected {TYPE} of {shape} by {path.name}")
    return Completion(rewards, manifest)


def _map(matrix: Path) -> NDArray[np.float32]:
    try:
        rewards: NDArray[np.float32] = np.load(matrix, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{matrix}: not a readable .npy file") from error
    return rewards
