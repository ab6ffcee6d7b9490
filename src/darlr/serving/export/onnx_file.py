"""The ONNX file of a policy: traced by torch's exporter, and tested in onnxruntime before it is handed out."""

import contextlib
import importlib
import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.errors import InputError, RunError
from darlr.run.saved import SavedPolicy
from darlr.seeding import numpy_generator
from darlr.serving.export.inference import PROBABILITIES, SCORES, Inference
from darlr.serving.export.metadata import KEY
from darlr.serving.export.users import LARGEST
from darlr.world.window import Window

OPSET = 18
"""The version that torch's exporter writes without conversion; onnxruntime supports it since 1.14."""

TOLERANCE = 1e-5
"""The largest difference of scores and probabilities to the package's own, relative to a request's greatest if that is
above 1.
"""


def require_packages() -> None:
    """Raise `InputError` if a package of the extra `export` is missing."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise InputError(f"an export needs {name}; install it with: pip install 'darlr[export]'") from error


def onnx_bytes(inference: Inference, metadata: Mapping[str, Any]) -> bytes:
    """Return the file's content.

    Raises:
        RunError: for a policy that cannot be traced.
        InputError: for a policy that is too large.
    """
    import onnx_ir.passes.common  # noqa: PLC0415
    from torch.onnx import OnnxExporterError  # noqa: PLC0415

    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    axes = {
        "user": {0: batch},
        "items": {0: batch, 1: length},
        "rewards": {0: batch, 1: length},
        "length": {0: batch},
        "blocked": {0: batch},
        "features": {0: batch},
    }
    inputs = _inputs(inference)
    try:
        with _quietly(), torch.no_grad():
            program = torch.onnx.export(
                inference.eval(),
                tuple(inputs.values()),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(inference.outputs),
                dynamic_shapes={name: axes[name] for name in inputs},
                custom_translation_table=_translations(),
            )
    except OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise RunError(f"the policy cannot be traced: {reason}") from error
    assert program is not None
    model = program.model
    _require_free(model.graph.inputs, axes)
    onnx_ir.passes.common.RemoveUnusedNodesPass()(model)
    model.metadata_props[KEY] = json.dumps(metadata)
    if (size := sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value)) > LARGEST:
        raise InputError(f"the policy has {size / 1e9:.1f} GB, and an ONNX file holds 2 GB; expected fewer users or items")
    content: bytes = onnx_ir.to_proto(model).SerializeToString()
    return content


def _require_free(inputs: Iterable[Any], axes: Mapping[str, Mapping[int, Any]]) -> None:
    """Raise `RunError` if the graph is bound to the sizes of the example; torch's exporter does not report this."""
    for value in inputs:
        for axis in axes[value.name]:
            if isinstance(size := value.shape[axis], int):
                raise RunError(
                    f"the policy cannot be traced: axis {axis} of '{value.name}' came out as {size} for all requests; "
                    "in its code, expected x.shape[0] instead of len(x)"
                )


def _inputs(inference: Inference) -> dict[str, Tensor]:
    """Return two requests with three items each, as an example."""
    inputs = {
        "user": torch.tensor([0, -1]),
        "items": torch.zeros(2, 3, dtype=torch.int64),
        "rewards": torch.zeros(2, 3),
        "length": torch.tensor([3, 1]),
        "blocked": torch.zeros(2, inference.n_items, dtype=torch.bool),
    }
    if inference.features:
        inputs["features"] = torch.full((2, inference.features), torch.nan)
    return inputs


def _translations() -> dict[Any, Any]:
    """Return ONNX translations of operations that torch's exporter does not know."""
    import onnxscript  # noqa: PLC0415

    opset18: Any = onnxscript.opset18

    def searchsorted(sorted_sequence: Any, values: Any, **_: Any) -> Any:
        """(n,) how many of the (m,) ascending ones lie below each of the (n,) values."""
        first, second = (opset18.Constant(value_ints=[axis]) for axis in (0, 1))
        below = opset18.Less(opset18.Unsqueeze(sorted_sequence, first), opset18.Unsqueeze(values, second))
        return opset18.ReduceSum(opset18.Cast(below, to=7), second, keepdims=0)

    return {torch.ops.aten.searchsorted.Tensor: searchsorted}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Suppress the exporter's hints about other packages and its own deprecations, which do not concern the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx._internal.exporter._registration", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def require_same(content: bytes, saved: SavedPolicy, inference: Inference) -> None:
    """Raise `RunError` unless onnxruntime computes from the file what the run's own scorer computes, for a few random
    requests.
    """
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    generator = numpy_generator(saved.config.seed, "export", "check")
    for batch in (1, 5):
        users = generator.integers(-1, len(saved.user_ids), batch)
        lengths = generator.integers(0, inference.lookback + 3, batch)
        lengths[-1] = 0
        histories = [_history(generator, int(length), inference.n_items, saved.reward_range) for length in lengths]
        feed = _feed(generator, users, histories, inference)
        found = dict(zip(inference.outputs, session.run(None, feed), strict=True))
        for name, expected in _expected(saved, users, histories, feed["blocked"], inference).items():
            _require_close(name, found[name], expected)


History = tuple[NDArray[np.int64], NDArray[np.float32]]


def _history(generator: np.random.Generator, length: int, n_items: int, ends: tuple[float, float]) -> History:
    return generator.integers(0, n_items, length), generator.uniform(*ends, length).astype(np.float32)


def _feed(
    generator: np.random.Generator, users: NDArray[np.int64], histories: list[History], inference: Inference
) -> dict[str, NDArray[Any]]:
    """Return the histories as the file takes them; a third of the items is blocked."""
    lengths = np.array([len(items) for items, _ in histories])
    shape = len(users), int(lengths.max())
    items, rewards = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    for row, (own_items, own_rewards) in enumerate(histories):
        items[row, : len(own_items)], rewards[row, : len(own_rewards)] = own_items, own_rewards
    blocked = generator.random((len(users), inference.n_items)) < 1 / 3
    blocked[:, 0] = False
    feed: dict[str, NDArray[Any]] = {"user": users, "items": items, "rewards": rewards, "length": lengths, "blocked": blocked}
    if inference.features:
        feed["features"] = np.full((len(users), inference.features), np.nan, np.float32)
    return feed


def _expected(
    saved: SavedPolicy, users: NDArray[np.int64], histories: list[History], blocked: NDArray[np.bool_], inference: Inference
) -> dict[str, NDArray[np.float32]]:
    """Return the results of the run's own scorer, one request after the other."""
    rows: dict[str, list[Tensor]] = {SCORES: [], PROBABILITIES: []}
    low, high = saved.reward_range
    for user, (items, rewards), mask in zip(users.tolist(), histories, torch.from_numpy(blocked), strict=True):
        start = Window.at_start(inference.n_items, inference.lookback, torch.device("cpu"))
        window = Window(
            torch.cat([start.items, torch.from_numpy(items)[None]], dim=1)[:, -inference.lookback :],
            torch.cat([start.rewards, (torch.from_numpy(rewards)[None] - low) / (high - low)], dim=1)[:, -inference.lookback :],
        )
        scorer = saved.network(np.array([user] if user >= 0 else [], np.int64)).scorer()
        scores = scorer(torch.zeros(1, dtype=torch.int64), window, mask[None])
        rows[SCORES].append(scores)
        rows[PROBABILITIES].append(scorer.probabilities(scores))
    return {name: torch.cat(parts).numpy() for name, parts in rows.items()}


def _require_close(name: str, found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(found)):
        raise RunError(f"the exported policy blocks other items than the run's own (in its {name})")
    scale = max(1.0, float(np.abs(expected[finite]).max()))
    off = float(np.abs(found[finite] - expected[finite]).max()) / scale
    if off > TOLERANCE:
        raise RunError(
            f"the exported policy gives other {name} than the run's own: {off:.2g} off; expected at most {TOLERANCE:g}"
        )
