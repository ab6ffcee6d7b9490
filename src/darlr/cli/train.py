def train(
    dataset: Annotated[str | None, option("data set, or a folder", "NAME", ExperimentConfig.dataset)] = None,
    method: Annotated[str | None, option("method", "NAME", ExperimentConfig.method)] = None,
    seed: Annotated[int | None, WHOLE, option("seed of everything random", default=f"{ExperimentConfig.seed}")] = None,
    epochs: Annotated[int | None, WHOLE, option("epochs of learning", default=f"{TrainingConfig.epochs}")] = None,
    config: Annotated[Path | None, option("settings in YAML; options go before them", "FILE", "none")] = None,
    overrides: Overrides = (),
    tensorboard: Annotated[
        bool, option("write every number to TensorBoard's event files, too, in the run folder"), tyro.conf.FlagCreatePairsOff
    ] = False,
    out: Out = Path("runs"),
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Train a policy and test it after every epoch; the same command resumes a run that was stopped."""
    from darlr.cli.terminal.run import TerminalMonitor  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.event_files import require_tensorboard  # noqa: PLC0415
    from darlr.run.training import train as run  # noqa: PLC0415

    if tensorboard:
        require_tensorboard()
    values = settings_of(config, overrides, {"dataset": dataset, "method": method, "seed": seed}, epochs)
    with TerminalMonitor() as monitor:
        finished = run(values, data_dir, out, compute_on(device, threads), monitor, tensorboard)
        monitor.finished(finished)
