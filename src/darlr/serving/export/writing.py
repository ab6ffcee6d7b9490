"""The folder of an exported policy: policy.onnx and README.md."""

from dataclasses import dataclass
from pathlib import Path

from darlr.artifacts import write_bytes
from darlr.errors import InputError
from darlr.serving.catalogue import with_catalogue
from darlr.serving.export.inference import Inference
from darlr.serving.export.metadata import metadata_of
from darlr.serving.export.onnx_file import onnx_bytes, require_packages, require_same
from darlr.serving.export.readme import readme
from darlr.serving.recommender import Recommender

POLICY, README = "policy.onnx", "README.md"


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        path: the ONNX file.
        size: its bytes.
        outputs: names of its outputs.
    """

    path: Path
    size: int
    outputs: tuple[str, ...]


def export_policy(run: Path, out: Path, overwrite: bool = False, new_items: Path | None = None) -> Exported:
    """Write the policy of the run folder `run` (from the epoch that did best in the simulator) into the folder `out`.

    Each file is whole or absent, and the policy is written last.

    Args:
        run: the run folder.
        out: the folder.
        overwrite: whether an earlier export is replaced.
        new_items: a table of items; those that the log lacks can be recommended, too.

    Raises:
        InputError: for a run without a policy, or one that cannot be exported. Also for a folder with other files, or an
            earlier export that may not be replaced, and if a package of the extra `export` is missing.
        RunError: for a policy of another package that cannot be traced, or whose file computes other scores.
    """
    require_packages()
    _require_free(out, overwrite)
    recommender = Recommender.load(run)
    if new_items is not None:
        recommender = with_catalogue(recommender, new_items)
    saved, kept = recommender.served.policy, recommender.served.kept
    if saved.config.reference_quirks:
        raise InputError(f"{run}: has the references' slips (reference_quirks), for comparison alone; expected a run without")
    if saved.config.slate.active:
        raise InputError(f"{run}: shows slates, and an exported policy scores items one by one; expected a run without slates")
    described = None if kept is None else kept.user_features
    inference = Inference(saved, described)
    metadata = metadata_of(recommender.path, saved, inference, described)
    content = onnx_bytes(inference, metadata)
    require_same(content, saved, inference)

    import onnxruntime  # noqa: PLC0415

    write_bytes(out / README, readme(metadata, onnxruntime.__version__).encode())
    write_bytes(out / POLICY, content)
    return Exported(out / POLICY, len(content), inference.outputs)


def _require_free(out: Path, overwrite: bool) -> None:
    """Raise `InputError` unless `out` is new or empty, or holds an export that may be replaced."""
    try:
        names = {entry.name for entry in out.iterdir()} if out.exists() else set()
    except OSError as error:
        raise InputError(f"{out}: cannot be used as a folder ({error.strerror})") from error
    if strangers := sorted(names - {POLICY, README}):
        raise InputError(f"{out}: holds other files ('{strangers[0]}'); choose a new or empty folder")
    if names and not overwrite:
        raise InputError(f"{out}: holds an export already; replace it with --overwrite, or choose another folder")
