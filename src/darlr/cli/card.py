"""`darlr card`: the model card of a run."""

from pathlib import Path
from typing import Annotated

from darlr.cli.files import form_of
from darlr.cli.options import RunPath, option


def card(
    run: RunPath,
    out: Annotated[Path | None, option("write the card to FILE (.md)", "FILE", "print")] = None,
) -> None:
    """Describe a run's policy in one page of Markdown: data, settings, judge, limits, cost, licence."""
    from darlr.artifacts.files import write_bytes  # noqa: PLC0415
    from darlr.run.card import model_card  # noqa: PLC0415
    from darlr.text import on_terminal  # noqa: PLC0415

    if out is not None:
        form_of(out, {".md": str})  # a name that cannot be written is refused before the run is read
    text = model_card(run)
    if out is None:
        print(on_terminal(text), end="")
    else:
        write_bytes(out, text.encode())
