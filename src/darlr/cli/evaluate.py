def evaluate(
    run: RunPath,
    mode: Annotated[
        Literal["all", "nx_0", "fb", "nx_10"], option("nx_0: no repeats; fb: with repeats; nx_10: ten steps, nobody leaves")
    ] = "all",
    policy: Annotated[Literal["both", "sampled", "greedy"], option("how items are chosen")] = "both",
    users: Annotated[int | None, WHOLE, option("how many users to draw, with replacement", "N", "every user once")] = None,
    truth: Annotated[
        Path | None,
        option("another truth, in the folder format; its users and items must be the log's", "FOLDER", "the data set's own"),
    ] = None,
    seed: Annotated[int, WHOLE, option("seed of users and sampled items")] = 0,
    output: Annotated[Path | None, option("write the table to FILE, too (.csv, .md or .json)", "FILE", "none")] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Test the policy of a run (the epoch that did best in the simulator) in any mode, for any number of users."""
    from darlr.cli.terminal.tables import print_table, table_writer  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.evaluating import evaluate_run, results_table  # noqa: PLC0415

    write = None if output is None else table_writer(output)
    results = evaluate_run(run, mode, policy, users, truth, seed, data_dir, compute_on(device, threads))
    table = results_table(run, results)
    print_table(table)
    if write is not None:
        write(table, results)
