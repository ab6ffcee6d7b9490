"""`darlr export`: a run's policy as a file that runs without darlr."""

from pathlib import Path
from typing import Annotated, Literal

from darlr.cli.options import RunPath, Threads, option


def export(
    run: RunPath,
    out: Annotated[Path, option("a new or empty folder to write to", "FOLDER", required=True)],
    format: Annotated[Literal["onnx"], option("of the file")] = "onnx",  # noqa: A002
    overwrite: Annotated[bool, option("replace an earlier export in that folder")] = False,
    new_items: Annotated[
        Path | None, option("a table of items; those that the log lacks can be recommended, too", "FILE", "none")
    ] = None,
    threads: Threads = 1,
) -> None:
    """Write the policy of a run as one ONNX file, which onnxruntime runs without darlr and torch (docs/export.md).

    The folder also gets a README.md that shows how to call the file. Before it is written, the file's scores in onnxruntime
    are compared with those of the run's own policy.
    """
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.serving.export.writing import export_policy  # noqa: PLC0415

    compute_on("cpu", threads)
    exported = export_policy(run, out, overwrite, new_items)
    print(f"{exported.path}: {exported.size / 1e6:.1f} MB, gives {', '.join(exported.outputs)} ({format}; {out / 'README.md'})")
