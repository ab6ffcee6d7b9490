"""A user's own data: a folder with `dataset.yaml`, which names CSV or Parquet files.

The files and their columns are:

- interactions: user_id, item_id, reward[, timestamp][, propensity][, session[, step]][, position]. With the key
  `reward.signals`, the columns that it names replace the reward.
- items: item_id[, categories joined by "|"][, features ...]; users: user_id[, features ...].
- randomised: user_id, item_id, reward, of items shown at random.
- truth: user_id, item_id, reward; or truth_user_factors: user_id, factors ... and truth_item_factors: item_id, factors ...
- truth_users: user_id, and truth_items: item_id; without them, the rows and columns are all ids in the truth.

The key `features` says how feature columns are read.
"""

from pathlib import Path

from darlr.data.log import InteractionLog
from darlr.data.parsing.parquet import hash_table
from darlr.data.parsing.tables import Table, read_table
from darlr.data.parsing.vocabulary import Vocabulary
from darlr.data.readers.folder_settings import FACTOR_FILES, LOG_KEYS, SETTINGS, FileNames, read_settings
from darlr.data.readers.tabular import COLUMNS, Tables, dataset_of, required_columns
from darlr.data.readers.truths import FactorTables, TruthTables, truth_of
from darlr.data.readers.wording import Wording
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.errors import InputError

LONG = ("interactions", "randomised", "truth")
"""Tables with a row for each pair of a user and an item."""


def read_folder(folder: Path) -> LoadedDataset:
    """Read a folder in the folder format; `dataset_of` says which users, items and world the result has.

    Raises:
        InputError: naming the file and the line, or the key of `dataset.yaml`, at fault.
    """
    settings = read_settings(folder, LOG_KEYS)
    files = settings.files
    tables = Tables(
        interactions=_table(folder, "interactions", files, required_columns("interactions", settings)),
        users=_table(folder, "users", files) if files.users else None,
        items=_table(folder, "items", files) if files.items else None,
        randomised=_table(folder, "randomised", files) if files.randomised else None,
        truth=_truth_tables(folder, files) if files.truth or files.factored else None,
    )
    hashes = {name: hash_table(folder / name) for name in (SETTINGS, *files.given().values())}
    return dataset_of(tables, settings, _wording(folder), hashes)


def read_truth_folder(folder: Path, log: InteractionLog, bounds: tuple[float, float]) -> Truth:
    """Read only the truth of a folder, for the users and items of an existing log.

    `dataset.yaml` needs no interactions here, and rewards must lie in `bounds`.

    Raises:
        InputError: as `read_folder`, and if the truth has ids that the log lacks (up to five are named).
    """
    settings = read_settings(folder, ())
    if not (settings.files.truth or settings.files.factored):
        raise InputError(f"{folder / SETTINGS}: key 'files.truth' is missing; expected the name of a .csv or .parquet file")
    tables = _truth_tables(folder, settings.files)
    users, items = Vocabulary.of(log.user_ids), Vocabulary.of(log.item_ids)
    return truth_of(tables, settings, users, items, bounds, _wording(folder))


def _table(folder: Path, key: str, files: FileNames, required: tuple[str, ...] | None = None) -> Table:
    return read_table(folder / getattr(files, key), required or COLUMNS[key], in_pieces=key in LONG)


def _truth_tables(folder: Path, files: FileNames) -> TruthTables | FactorTables:
    users = _table(folder, "truth_users", files) if files.truth_users else None
    items = _table(folder, "truth_items", files) if files.truth_items else None
    if files.factored:
        user_factors, item_factors = (_table(folder, key, files) for key in FACTOR_FILES)
        return FactorTables(user_factors, item_factors, users, items)
    return TruthTables(_table(folder, "truth", files), users, items)


def _wording(folder: Path) -> Wording:
    return Wording(folder / SETTINGS, repeats="log.repeats", missing="truth.missing")
