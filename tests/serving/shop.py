"""A small shop whose users have features, tastes and a past, and leave over categories; and a run that learned it."""

from pathlib import Path

import numpy as np

from tests.runs import train_small

USERS, ITEMS, WINDOW = 30, 24, 2
LOGGED = 8
"""The number of items of each user."""


def write_shop(folder: Path) -> Path:
    """Write the data set `shop` below `folder`: user u likes items of the parity of u, and the city reveals the parity."""
    random = np.random.default_rng(0)
    place = folder / "shop"
    place.mkdir(parents=True)
    rows = [
        f"u{user},i{item},{min(5, max(1, (4 if item % 2 == user % 2 else 2) + random.integers(-1, 2)))},{time}"
        for user in range(USERS)
        for time, item in enumerate(random.permutation(ITEMS)[:LOGGED])
    ]
    (place / "log.csv").write_text("user_id,item_id,reward,timestamp\n" + "\n".join(rows) + "\n")
    items = [f"i{item},c{item % 6},{('red', 'blue', 'green')[item // 8]},{item // 2}" for item in range(ITEMS)]
    (place / "items.csv").write_text("item_id,categories,colour,weight\n" + "\n".join(items) + "\n")
    users = [f"u{user},{('east', 'west')[user % 2]},{20 + user}" for user in range(USERS)]
    (place / "users.csv").write_text("user_id,city,age\n" + "\n".join(users) + "\n")
    cells = [f"u{user},i{item},{4 if item % 2 == user % 2 else 2}" for user in range(10) for item in range(ITEMS)]
    (place / "truth.csv").write_text("user_id,item_id,reward\n" + "\n".join(cells) + "\n")
    (place / "dataset.yaml").write_text(
        "files: {interactions: log.csv, items: items.csv, users: users.csv, truth: truth.csv}\n"
        "reward: {feedback: ratings, minimum: 1, maximum: 5}\n"
        f"leave: {{by: category, window: {WINDOW}, tolerance: 0, max_steps: 10}}\n"
    )
    return folder


def train_shop(folder: Path, seed: int = 0) -> Path:
    """The folder of a `bayes-adaptive` run on the shop that is in `folder`."""
    settings = {"dataset": "shop", "method": "bayes-adaptive", "seed": seed, "training": {"epochs": 1}}
    return train_small(folder / "runs", settings, folder).path
