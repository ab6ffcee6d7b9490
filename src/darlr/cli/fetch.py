"""`darlr fetch`: download and verify a data set's files."""

from typing import Annotated

import tyro

from darlr.cli.options import DataDir, option


def fetch(
    dataset: Annotated[
        str | None, tyro.conf.Positional, option("data set", "NAME", "list what there is, its size and licence")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Download a data set's files, or continue a stopped download; existing files are verified."""
    from darlr.cli.terminal.download import fetch_source, list_fetchable  # noqa: PLC0415

    if dataset is None:
        list_fetchable(data_dir)
    else:
        fetch_source(dataset, data_dir)
