"""`darlr validate`: test judges of policies against the truth."""

from pathlib import Path
from typing import Annotated

import tyro

from darlr.cli.files import form_of
from darlr.cli.options import WHOLE, DataDir, Device, Out, Overrides, Threads, option
from darlr.config.experiment import ExperimentConfig


def validate(
    dataset: Annotated[str, tyro.conf.Positional, option("a data set with a truth, or its folder", "DATASET")],
    seed: Annotated[int, WHOLE, option("seed of everything random")] = ExperimentConfig.seed,
    overrides: Overrides = (),
    picture: Annotated[Path, option("the picture, beside the numbers below --out (.png, .svg, .pdf)", "FILE")] = Path(
        "validation.png"
    ),
    out: Out = Path("runs"),
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Does a judge know the truth? Rank policies by simulator, referee, held-out rows and every off-policy estimator.

    The policies are made from the log alone, with short schedules; each judge is compared with the true returns
    (docs/judging.md).
    """
    from darlr.artifacts.files import encode_json, write_bytes  # noqa: PLC0415
    from darlr.cli.settings import settings_of  # noqa: PLC0415
    from darlr.cli.terminal.run import TerminalMonitor  # noqa: PLC0415
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.methods.experiment import experiment_config  # noqa: PLC0415
    from darlr.report.analysis.validation import validation_table  # noqa: PLC0415
    from darlr.report.plots.curves import FORMATS, save_figure  # noqa: PLC0415
    from darlr.report.plots.validation import validation_figure  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.validation import validate as validated  # noqa: PLC0415
    from darlr.text import visible  # noqa: PLC0415

    form_of(picture, {f".{name}": name for name in FORMATS})  # a name that cannot be written is refused at once
    values = settings_of(None, overrides, {"dataset": dataset, "seed": seed})
    place = compute_on(device, threads)
    with TerminalMonitor(experiment_config(values).world_model.patience) as monitor:
        found = validated(values, data_dir, out, place, monitor)
    folder = out / found.dataset / "validation" / f"s{seed}"
    numbers = folder / "validation.json"
    write_bytes(numbers, (encode_json(found.to_dict(), str(numbers), indent=2) + "\n").encode())
    save_figure(validation_figure(found), folder / picture)
    print_table(validation_table(found))
    print(visible(f"numbers: {numbers}"))
    print(visible(f"picture: {folder / picture}"))
