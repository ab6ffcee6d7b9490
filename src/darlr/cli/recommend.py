"""`darlr recommend`: ranked items from the policy of a run."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from darlr.cli.options import WHOLE, Device, RunPath, Threads, option
from darlr.errors import InputError
from darlr.text import on_terminal, visible

MOST_NOTES = 10


def recommend(
    run: RunPath,
    users: Annotated[
        tuple[tuple[str, ...], ...],
        option(
            "raw user ids of the log; with the default settings a policy sees recent items and rewards alone, so users without "
            "them all get the same list (train with --set tracker.user_state=true or policy.prior_weight=1 for one each)",
            "ID",
            "all of them",
        ),
        tyro.conf.UseAppendAction,
    ] = (),
    input: Annotated[  # noqa: A002
        Path | None, option("CSV with user_id,item_id,reward, or JSON; recent items, oldest first", "FILE", "none")
    ] = None,
    count: Annotated[int, WHOLE, option("items for each user")] = 10,
    on_unknown: Annotated[
        Literal["auto", "error", "skip", "new"],
        option(
            "users and recent items that the log does not have: refuse all requests, skip the user, or serve a new user; "
            "an item is left out of the history; auto: error for --users, new for --input",
        ),
    ] = "auto",
    format: Annotated[Literal["csv", "json"], option("of what is printed or written")] = "csv",  # noqa: A002
    output: Annotated[Path | None, option("write to FILE", "FILE", "print")] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Rank items for users of the log, or for new users by their recent items and rewards."""
    from darlr.artifacts import write_bytes  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.serving.recommender import Recommender  # noqa: PLC0415
    from darlr.serving.requests import format_answers, note_lines, read_requests, requests_for  # noqa: PLC0415

    named = [user for group in users for user in group]
    if named and input is not None:
        raise InputError("give users by --users or by --input, not both")
    recommender = Recommender.load(run, compute_on(device, threads))
    known = recommender.user_ids
    requests = requests_for(named, known) if input is None else read_requests(input, known, recommender.item_ids)
    fate = on_unknown if on_unknown != "auto" else "error" if input is None else "new"
    answers = recommender.recommend(requests, count, fate)
    text = format_answers(answers, format)
    for line in note_lines(answers, format, MOST_NOTES):
        print(f"note: {visible(line)}", file=sys.stderr)
    if output is None:
        print(on_terminal(text) if sys.stdout.isatty() else text, end="")
    else:
        write_bytes(output, text.encode())
