"""`darlr train`: one run."""

from pathlib import Path
from typing import Annotated

import tyro

from darlr.cli.cluster import ray_option, require_cluster_of_cpus
from darlr.cli.options import WHOLE, DataDir, DatasetName, Device, MethodName, Out, Overrides, Threads, option
from darlr.cli.settings import settings_of
from darlr.config.experiment import ExperimentConfig, TrainingConfig


def train(
    dataset: DatasetName = None,
    method: MethodName = None,
    seed: Annotated[int | None, WHOLE, option("seed of everything random", default=f"{ExperimentConfig.seed}")] = None,
    epochs: Annotated[int | None, WHOLE, option("epochs of learning", default=f"{TrainingConfig.epochs}")] = None,
    config: Annotated[
        Path | None,
        option(
            "settings in YAML, or a built-in name: 'first' is the quick start; options go before them",
            "FILE",
            "first if no data set, method or setting is named, else none",
        ),
    ] = None,
    overrides: Overrides = (),
    warm_start: Annotated[
        Path | None,
        option(
            "a finished run to go on from, on a log that has grown or changed since: its world model and its policy; "
            "its data set and settings are the defaults",
            "RUN",
            "start afresh",
        ),
    ] = None,
    tensorboard: Annotated[
        bool, option("write every number to TensorBoard's event files, too, in the run folder"), tyro.conf.FlagCreatePairsOff
    ] = False,
    mlflow: Annotated[
        bool, option("log every number to MLflow, too, where MLFLOW_TRACKING_URI says"), tyro.conf.FlagCreatePairsOff
    ] = False,
    wandb: Annotated[
        bool,
        option("log every number to Weights & Biases, too, or with WANDB_MODE=offline to files"),
        tyro.conf.FlagCreatePairsOff,
    ] = False,
    ray: Annotated[
        str | None, ray_option("its nodes share in the fit of the world model, and in roll-outs with training.groups")
    ] = None,
    out: Out = Path("runs"),
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Train a policy and test it after every epoch; the same command resumes a run that was stopped."""
    from darlr.api.training import train as train_policy  # noqa: PLC0415
    from darlr.artifacts import RunFolder  # noqa: PLC0415
    from darlr.cli.terminal.run import TerminalMonitor  # noqa: PLC0415
    from darlr.methods.experiment import experiment_config  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.loggers.kinds import wished  # noqa: PLC0415
    from darlr.run.presets import FIRST, settings_file  # noqa: PLC0415

    wished(tensorboard=tensorboard, mlflow=mlflow, wandb=wandb)  # what is not installed is refused before anything is told
    if ray is not None:
        require_cluster_of_cpus(device)
    quick_start = config is None and dataset is None and method is None and not overrides and warm_start is None
    file = FIRST if quick_start else config
    options = {"dataset": dataset, "method": method, "seed": seed}
    values = settings_of(None if file is None else settings_file(file), overrides, options, epochs)
    if warm_start is not None and "dataset" not in values:
        values["dataset"] = RunFolder.open(warm_start).config()["dataset"]
    asked = experiment_config(values)
    others = {key: value for key, value in values.items() if key not in ("dataset", "method", "seed")}
    place = str(compute_on("cpu" if ray is not None else device, threads))
    with TerminalMonitor(asked.world_model.patience) as monitor:
        if quick_start:
            monitor.notice("this is the quick start, a small world and a short schedule, as with --config first")
        run = train_policy(
            asked.dataset,
            values.get("method"),
            seed=values.get("seed"),
            out=out,
            device=place,
            data_dir=data_dir,
            monitor=monitor,
            tensorboard=tensorboard,
            mlflow=mlflow,
            wandb=wandb,
            warm_start=warm_start,
            ray=ray,
            settings=others,
        )
        monitor.finished(run)
