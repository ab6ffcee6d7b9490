"""Tensors and a small state in one safetensors file, with a checksum over both; loading never executes code."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from darlr.artifacts.files import decode_json, encode_json, replacing
from darlr.errors import InputError

METADATA = "darlr"
"""The header's entry for the checksum, followed by a blank and the state."""

_KINDS = MappingProxyType(
    {
        torch.int64: "I64",
        torch.float64: "F64",
        torch.float32: "F32",
        torch.int32: "I32",
        torch.bfloat16: "BF16",
        torch.float16: "F16",
        torch.int16: "I16",
        torch.int8: "I8",
        torch.uint8: "U8",
        torch.bool: "BOOL",
    }
)
"""The safetensors names of the element types, in the order in which a file holds them: the widest first, so that all are
aligned.
"""


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
    """Write `tensors` and the JSON-able `state` atomically; the same content makes the same bytes.

    The tensors may have any shapes and devices; views and shared storage are copied. Other tensors are written without a
    copy, because a reward table may fill a quarter of the memory. The safetensors library would assemble the file in
    memory, or make a file that only its owner may read.

    Raises:
        RunError: if the file cannot be written, or `state` holds NaN or infinity.
    """
    whole: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        own = tensor.detach().cpu()
        if not _stands_alone(own, whole.values()):
            own = own.clone(memory_format=torch.contiguous_format)
        whole[name] = own
    text = encode_json(dict(state), f"{path}, state")
    names = sorted(whole, key=lambda name: (list(_KINDS).index(whole[name].dtype), name))
    header = _header({name: whole[name] for name in names}, {METADATA: f"{_checksum(whole, text)} {text}"})
    with replacing(path) as file:
        file.write(header)
        for name in names:
            file.write(_memory(whole[name]))


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read the tensors (onto the CPU) and the state of a file that `write_tensors` made.

    Raises:
        InputError: naming the file, if it is missing, cut short, altered or of another kind.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        with safe_open(path, framework="pt") as file:
            metadata = (file.metadata() or {}).get(METADATA)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (the handle is no mapping)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise _damaged(path, "it is cut short or no safetensors file") from error
    if metadata is None:
        raise _damaged(path, "darlr did not write it")
    checksum, _, state = metadata.partition(" ")
    if checksum != _checksum(tensors, state):
        raise _damaged(path, "its content does not match its checksum")
    return tensors, decode_json(state, f"{path}, state")


def _stands_alone(tensor: torch.Tensor, others: Iterable[torch.Tensor]) -> bool:
    """Return whether `tensor` fills a storage that it shares with none of `others`, so that it can be written without a
    copy.
    """
    storage = tensor.untyped_storage()
    fills = tensor.is_contiguous() and tensor.numel() * tensor.element_size() == storage.nbytes()
    return fills and all(storage.data_ptr() != other.untyped_storage().data_ptr() for other in others)


def _header(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of the file before those of `tensors`, which follow in this order."""
    entries: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.nbytes
        entries[name] = {"dtype": _KINDS[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"{path}: cannot be used, {reason}; delete it and run the command that makes it again")


def _checksum(tensors: Mapping[str, torch.Tensor], state: str) -> str:
    digest = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(_memory(tensor))
    return digest.hexdigest()


def _memory(tensor: torch.Tensor) -> memoryview:
    """Return the bytes of a contiguous tensor on the CPU, without a copy."""
    return tensor.reshape(-1).view(torch.uint8).numpy().data
