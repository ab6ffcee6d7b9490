"""Small folders for tests of notes."""

from pathlib import Path

from darlr.data.plausibility.logs import notes
from darlr.data.readers.folder import read_folder
from darlr.data.source import LoadedDataset

LOG = "user_id,item_id,reward\n1,10,5\n1,20,4\n2,10,2\n2,30,1\n"


def load(
    folder: Path, said: str = "", reward: str = "feedback: ratings, minimum: 1, maximum: 5", **files: str
) -> LoadedDataset:
    """Load the data set of the CSV texts `files`, by name; `said` ends its settings."""
    given = {"interactions": LOG, **files}
    for name, text in given.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    listed = ", ".join(f"{name}: {name}.csv" for name in given)
    (folder / "dataset.yaml").write_text(f"name: mine\nfiles: {{{listed}}}\nreward: {{{reward}}}\n{said}\n", encoding="utf-8")
    return read_folder(folder)


def notes_of(
    folder: Path, said: str = "", reward: str = "feedback: ratings, minimum: 1, maximum: 5", **files: str
) -> list[str]:
    """Return the notes on the data set."""
    return list(notes(load(folder, said, reward, **files)))
