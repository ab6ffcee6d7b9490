def check(
    dataset: Annotated[str, tyro.conf.Positional, option("data set, or a folder", "NAME")],
    overrides: Overrides = (),
    data_dir: DataDir = None,
) -> None:
    """Read a data set, validate it, and print what it holds; of a known one also beside what is published of it."""
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.data.registry import SOURCES, load  # noqa: PLC0415
    from darlr.data.statistics import beside_published, describe  # noqa: PLC0415
    from darlr.report.rendering.table import Table  # noqa: PLC0415

    config = from_mapping(ExperimentConfig, settings_of(None, overrides, {"dataset": dataset}, None))
    loaded = load(config, data_dir, lambda text: print(f"note: {text}", file=sys.stderr))
    print_table(Table(f"{loaded.dataset.name}: read and valid", ("what", "value"), describe(loaded)))
    if (source := SOURCES.get(dataset)) is None:
        return
    if rows := beside_published(source, loaded):
        print_table(Table("beside what is published", ("what", "ours", "published"), rows))
    if deviations := source.deviations(loaded):
        raise InputError(f"data set '{dataset}' is not as published: {'; '.join(deviations)}")
