"""`darlr recommend`: ranks items by the policy of a run."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from darlr.cli.cluster import ray_option, require_cluster_of_cpus
from darlr.cli.options import WHOLE, DataDir, Device, RunPath, Threads, option
from darlr.errors import InputError
from darlr.text import on_terminal, visible

MOST_NOTES = 10


def recommend(
    run: RunPath,
    users: Annotated[
        tuple[tuple[str, ...], ...],
        option("raw user ids of the log", "ID", "all of them"),
        tyro.conf.UseAppendAction,
    ] = (),
    input: Annotated[  # noqa: A002
        Path | None,
        option("CSV with user_id,item_id,reward[,role], or JSON; recent items, oldest first (docs/serving.md)", "FILE", "none"),
    ] = None,
    all: Annotated[bool, option("stream all users of the log to a Parquet file, given by --output")] = False,  # noqa: A002
    ray: Annotated[
        str | None, ray_option("with --all; its nodes share RUN and --output, which becomes a folder of Parquet files")
    ] = None,
    count: Annotated[int, WHOLE, option("items for each user")] = 10,
    exclude_seen: Annotated[bool, option("leave out items that the log says a user had")] = True,
    history: Annotated[
        Literal["log", "none"], option("the past of a user without recent items: what the log has, or nothing")
    ] = "log",
    diversify: Annotated[bool, option("neighbours in a list do not share categories, as far as users leave over that")] = False,
    explain: Annotated[bool, option("say why each item is listed (--format json)")] = False,
    on_unknown: Annotated[
        Literal["auto", "error", "skip", "new"],
        option(
            "users and items that the log does not have: refuse all requests, skip the user, or serve a new user; "
            "an item is left out; auto: error for --users, new for --input",
        ),
    ] = "auto",
    format: Annotated[Literal["csv", "json"], option("format of the output")] = "csv",  # noqa: A002
    output: Annotated[Path | None, option("write to FILE", "FILE", "print")] = None,
    new_items: Annotated[
        Path | None, option("a table of items; those that the log lacks are recommended, too", "FILE", "none")
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Rank items for users of the log, or for new users by their recent items and rewards."""
    from darlr.artifacts import RunFolder, write_bytes  # noqa: PLC0415
    from darlr.cli.terminal.batch import write_all_users, write_all_users_on  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.serving.answers import format_answers, note_lines  # noqa: PLC0415
    from darlr.serving.catalogue import with_catalogue  # noqa: PLC0415
    from darlr.serving.messages import Request  # noqa: PLC0415
    from darlr.serving.recommender import Recommender  # noqa: PLC0415
    from darlr.serving.requests import read_requests, requests_for  # noqa: PLC0415

    named = [user for group in users for user in group]
    _require_together(named, input, all, ray, output, explain, format)
    defaults = Request(exclude_seen=exclude_seen, history=history)
    if ray is not None and output is not None:
        require_cluster_of_cpus(device)
        from darlr.serving.spread_batch import Asked  # noqa: PLC0415

        asked = Asked(RunFolder.open(run).path, data_dir, new_items, count, defaults, diversify)
        write_all_users_on(ray, asked, output)
        return
    recommender = Recommender.load(run, compute_on(device, threads), data_dir)
    if new_items is not None:
        recommender = with_catalogue(recommender, new_items)
    for notice in recommender.notices:
        print(f"note: {visible(notice)}", file=sys.stderr)
    if all and output is not None:
        write_all_users(recommender, output, count, defaults, diversify)
        return
    known = recommender.user_ids
    if input is None:
        requests = requests_for(named, known, defaults)
    else:
        requests = read_requests(input, known, recommender.item_ids, defaults)
    fate = on_unknown if on_unknown != "auto" else "error" if input is None else "new"
    answers = recommender.recommend(requests, count, fate, diversify, explain)
    text = format_answers(answers, format)
    for line in note_lines(answers, format, MOST_NOTES):
        print(f"note: {visible(line)}", file=sys.stderr)
    if output is None:
        print(on_terminal(text) if sys.stdout.isatty() else text, end="")
    else:
        write_bytes(output, text.encode())


def _require_together(
    named: list[str],
    file: Path | None,
    everybody: bool,
    ray: str | None,
    output: Path | None,
    explain: bool,
    kind: str,
) -> None:
    """Raise `InputError` for options that exclude each other."""
    if named and file is not None:
        raise InputError("give users by --users or by --input, not both")
    if explain and (kind != "json" or everybody):
        raise InputError("--explain needs --format json, whose answers have room for it, and no --all")
    if everybody and (named or file is not None):
        raise InputError("--all is for all users of the log; expected no --users and no --input")
    if ray is not None and (not everybody or output is None):
        raise InputError("--ray writes the lists of all users to a folder; expected --all and --output FOLDER")
    if everybody and ray is None and (output is None or output.suffix != ".parquet"):
        raise InputError(f"--all writes Parquet, and --output is {output or 'not given'}; expected --output FILE.parquet")
