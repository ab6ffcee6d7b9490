"""Yahoo! R3: ratings of songs that users chose, and of songs that were drawn for them at random.

Webscope gives "R3 - Yahoo! Music ratings for User Selected and Randomly Selected songs, version 1.0" to those who sign its
agreement. The copy that comes with AutoDebias has commas and ids from 0; both can be read, and raw ids are kept.
"""

from pathlib import Path

import numpy as np

from darlr.config.experiment import ExperimentConfig
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.completion.completing import Exposed
from darlr.data.completion.settings import CompletionConfig
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official, locate
from darlr.data.readers.yahoo_rows import YahooRows, read_yahoo_rows
from darlr.data.source import LoadedDataset, Source, TableOne
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

TRAIN = "ydata-ymusic-rating-study-v1_0-train.txt"
TEST = "ydata-ymusic-rating-study-v1_0-test.txt"

# The published runs' rule: with this tolerance no user leaves early (protocol section 1).
LEAVE = LeaveConfig(by="distance", window=4, tolerance=0.0, max_steps=30)

PUBLISHED = {
    "train: rows": 311_704,
    "train: users": 15_400,
    "train: songs": 1_000,
    "test: rows": 54_000,
    "test: users": 5_400,
    "test: songs": 1_000,
}


def read_yahoo(config: ExperimentConfig, folder: Path, cache: Cache) -> LoadedDataset:
    """Read Yahoo! R3: ratings 1..5, without times, categories or features; the test world has the test's users and every song.

    Raises:
        InputError: naming the file and the line that is not as published, or the missing file.
    """
    paths = locate(OFFICIAL, folder, cache)
    rows = read_yahoo_rows(paths[TRAIN], paths[TEST])
    user_ids = np.union1d(rows.train.column("user"), rows.test.column("user"))
    song_ids = np.union1d(rows.train.column("song"), rows.test.column("song"))
    log = InteractionLog(
        users=np.searchsorted(user_ids, rows.train.column("user")).astype(np.int32),
        items=np.searchsorted(song_ids, rows.train.column("song")).astype(np.int32),
        rewards=rows.train.column("rating").astype(np.float32),
        times=None,
        user_ids=user_ids,
        item_ids=song_ids,
        reward_range=(1.0, 5.0),
    )
    world = World(np.searchsorted(user_ids, np.unique(rows.test.column("user"))), np.arange(len(song_ids)))
    dataset = Dataset(
        name="yahoo",
        log=log,
        items=ItemCatalog(np.zeros((len(song_ids), 0), np.int32), (), Features.none(len(song_ids))),
        user_features=Features.none(len(user_ids)),
        world=world,
        leave=LEAVE,
        hashes={name: cache.fingerprint(path) for name, path in paths.items()},
    )
    exposed = Exposed(
        users=np.searchsorted(user_ids[world.users], rows.test.column("user")),
        items=np.searchsorted(song_ids, rows.test.column("song")),
        rewards=rows.test.column("rating").astype(np.float64),
        n_users=world.n_users,
        n_items=world.n_items,
        inputs={TEST: dataset.hashes[TEST]},
    )
    return LoadedDataset(dataset, None, count(rows), len(rows.test), exposed)


def count(rows: YahooRows) -> dict[str, int]:
    """Return the figures of the whole files that `PUBLISHED` has."""
    counts = {}
    for name, part in (("train", rows.train), ("test", rows.test)):
        counts[f"{name}: rows"] = len(part)
        counts[f"{name}: users"] = len(np.unique(part.column("user")))
        counts[f"{name}: songs"] = len(np.unique(part.column("song")))
    return counts


OFFICIAL = Official(
    archive="Webscope_R3.tgz",
    page="https://webscope.sandbox.yahoo.com/catalog.php?datatype=r",
    licence="academic and non-commercial use under Yahoo's agreement; not to be redistributed",
    members=(TRAIN, TEST),
    root="ydata-ymusic-rating-study-v1_0",
    instructions=(
        "by asking Yahoo Webscope (https://webscope.sandbox.yahoo.com/catalog.php?datatype=r) for 'R3 - Yahoo! Music ratings "
        "for User Selected and Randomly Selected songs, version 1.0'"
    ),
    aliases={TRAIN: ("user.txt",), TEST: ("random.txt",)},
    citation="Marlin and Zemel, Collaborative Prediction and Ranking with Non-Random Missing Data, RecSys 2009",
)

SOURCE = Source(
    name="yahoo",
    description="Yahoo! R3: ratings of songs by 15,400 users; tested on a completion of 5,400 users' randomly drawn songs",
    folder="yahoo",
    official=(OFFICIAL,),
    read=read_yahoo,
    published=PUBLISHED,
    table_one=TableOne(15_400, 1_000, 2.024, 5_400, 1_000, 1.000),
    completion=CompletionConfig(factors=(10,), factor_penalties=(4.0, 6.0, 8.0, 12.0), folds_tested=2),
)
