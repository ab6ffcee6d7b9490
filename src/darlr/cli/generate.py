"""`darlr generate`: a world of any size, as a folder in the folder format."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from darlr.cli.options import COUNT, WHOLE, option
from darlr.text import visible


def generate(
    folder: Annotated[Path, tyro.conf.Positional, option("the folder that is made; it must not be there", "FOLDER")],
    users: Annotated[int, COUNT, option("how many users, as 1e6")] = 10_000,
    items: Annotated[int, COUNT, option("how many items")] = 1_000,
    rows: Annotated[int, COUNT, option("rows of the log; one or more a user, at most half of the items each")] = 500_000,
    user_skew: Annotated[float, option("the user of rank r has rows in proportion to r ** -SKEW", "SKEW")] = 0.5,
    item_skew: Annotated[float, option("popular items are offered likewise", "SKEW")] = 0.8,
    selection: Annotated[
        Literal["shown", "free", "popularity", "forced"],
        option(
            "shown: users take what is to their taste from popular items; free: what they would give most, from any; "
            "popularity: any of popular items; forced: any"
        ),
    ] = "shown",
    selection_strength: Annotated[float | None, option("how strongly, 0: not at all", "STRENGTH", "1")] = None,
    test_users: Annotated[int | None, COUNT, option("users of the test world", None, "10000 or all")] = None,
    test_items: Annotated[int | None, COUNT, option("its items", None, "5000 or all")] = None,
    randomised: Annotated[int, COUNT, option("ratings of randomly shown items beside the log")] = 0,
    seed: Annotated[int, WHOLE, option("what the world is drawn from; the same seed gives the same bytes")] = 0,
) -> None:
    """Write a world with power laws of users and items, categories, features, selection and a known truth."""
    from darlr.cli.terminal.generation import generation_progress  # noqa: PLC0415
    from darlr.data.synthetic.settings import WorldSettings  # noqa: PLC0415
    from darlr.data.synthetic.writing import write_world  # noqa: PLC0415

    settings = WorldSettings(
        users,
        items,
        rows,
        user_skew,
        item_skew,
        selection,
        selection_strength,
        test_users,
        test_items,
        randomised,
        seed,
    )
    with generation_progress(rows) as advance:
        write_world(settings, folder, advance)
    print(visible(f"{folder}: {users:,} users, {items:,} items, {rows:,} rows; next: darlr check {folder}"))
