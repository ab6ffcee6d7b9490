"""A data set with a truth, whose log records the probability with which each item was shown; for `darlr validate`.

    python -m benchmarks.logged_shop FOLDER --seed 0
    darlr validate FOLDER

400 users like 60 items of 8 categories by four common factors. Each is shown 40 items, drawn with replacement from a
softmax of taste and popularity, and answers yes (1) or no (0) with the probability in the truth. The propensities are the
probabilities of being shown. `darlr validate` judges with them and, in a second pass, with estimated ones.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

USERS, ITEMS, CATEGORIES, FACTORS, SHOWN = 400, 60, 8, 4, 40

SETTINGS = """\
files: {interactions: log.csv, items: items.csv, truth: truth.csv}
reward: {feedback: ratings, minimum: 0, maximum: 1, positive_threshold: 1}
log: {repeats: keep}
leave: {by: never, max_steps: 10}
"""


def write_shop(folder: Path, seed: int) -> None:
    """Write the data set into the new `folder`, in the folder format."""
    random = np.random.default_rng(seed)
    taste = random.normal(size=(USERS, FACTORS)) @ random.normal(size=(FACTORS, ITEMS)) / np.sqrt(FACTORS)
    likes = 1 / (1 + np.exp(1 - 1.5 * taste - random.normal(0, 0.7, ITEMS)))
    shown = np.exp(0.5 * taste + random.normal(0, 0.7, ITEMS))
    shown /= shown.sum(axis=1, keepdims=True)
    users = np.repeat(np.arange(USERS), SHOWN)
    items = (shown.cumsum(axis=1)[users] < random.random((len(users), 1))).sum(axis=1).clip(max=ITEMS - 1)
    rewards = (random.random(len(users)) < likes[users, items]).astype(int)
    tables = {
        "log": {"user_id": users, "item_id": items, "reward": rewards, "propensity": shown[users, items]},
        "items": {"item_id": np.arange(ITEMS), "categories": [f"c{item % CATEGORIES}" for item in range(ITEMS)]},
        "truth": {
            "user_id": np.repeat(np.arange(USERS), ITEMS),
            "item_id": np.tile(np.arange(ITEMS), USERS),
            "reward": likes.ravel(),
        },
    }
    folder.mkdir(parents=True)
    for name, columns in tables.items():
        pl.DataFrame(columns).write_csv(folder / f"{name}.csv")
    (folder / "dataset.yaml").write_text(SETTINGS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    write_shop(given.folder, given.seed)


if __name__ == "__main__":
    main()
