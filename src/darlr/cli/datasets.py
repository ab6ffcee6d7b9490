"""`darlr datasets`: the available data sets, and where the others come from."""

from darlr.cli.options import DataDir


def datasets(data_dir: DataDir = None) -> None:
    """List the available data sets with their licences, and the missing files of the others with where to get them."""
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.data.registry import SOURCES, available, data_directory  # noqa: PLC0415
    from darlr.report.rendering.table import Table  # noqa: PLC0415

    command = {name: f"darlr fetch {name}, or from" for name in SOURCES}
    rows = tuple(
        (
            entry.name,
            "here" if entry.present else "missing: " + (", ".join(entry.missing) or "unusable"),
            f"{entry.description} (licence: {entry.licence})" if entry.licence else entry.description,
            ""
            if entry.present or entry.folder is None
            else f"{command.get(entry.name, 'from')} {entry.origin} into {entry.folder}",
        )
        for entry in available(data_dir)
    )
    print_table(Table(f"data sets in {data_directory(data_dir)}", ("name", "files", "what", "where to get it"), rows))
