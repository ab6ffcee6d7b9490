"""`darlr complete`: make the truth of a data set that publishes none."""

from typing import Annotated

import tyro

from darlr.cli.options import DataDir, option
from darlr.report.rendering.terminal import shown


def complete(
    dataset: Annotated[str, tyro.conf.Positional, option("data set that publishes no truth, or coat", "NAME")],
    overrides: Annotated[
        tuple[str, ...],
        tyro.conf.arg(name="set", metavar="KEY=VALUE", help="set a config key, as completion.factors=[10,20]"),
        tyro.conf.UseAppendAction,
    ] = (),
    data_dir: DataDir = None,
) -> None:
    """Complete a truth from the ratings of randomly drawn items; runs on the same files find it."""
    from rich.console import Console  # noqa: PLC0415

    from darlr.cli.terminal.completion import completion_progress, describe_completion  # noqa: PLC0415
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.config.loading import parse_overrides  # noqa: PLC0415
    from darlr.data.completion.truths import complete_truth, completing_config  # noqa: PLC0415
    from darlr.data.origin.cache import Cache, cache_directory  # noqa: PLC0415
    from darlr.data.registry import SOURCES, data_directory  # noqa: PLC0415
    from darlr.errors import unknown  # noqa: PLC0415
    from darlr.report.rendering.table import Table  # noqa: PLC0415

    source = SOURCES.get(dataset)
    if source is None:
        raise unknown("data set", dataset, SOURCES)
    config = completing_config(source, parse_overrides(overrides))
    folder = data_directory(data_dir) / source.folder
    console = Console(stderr=True, soft_wrap=True)

    def notice(text: str) -> None:
        console.print(shown(f"note: {text}"))

    with completion_progress(dataset, console) as progress:
        matrix, completion = complete_truth(source, config, folder, Cache(cache_directory(), notice), progress, notice)
    rows = tuple(describe_completion(completion.manifest))
    print_table(Table(f"{matrix}: the completed truth of {dataset}", ("what", "value"), rows))
