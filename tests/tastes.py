"""A world of two tastes, in which every fixed list has the same value and the user's answers have a much larger one."""

from pathlib import Path

import numpy as np

TASTES = "tastes"
ITEMS, NEUTRAL = 40, 4
"""Items that one half of the users likes and the other does not, and neutral items."""
LOGGED, TESTED = 300, 40
"""Users whose taste the log shows, and users with one logged answer to a neutral item alone."""
ROWS, STEPS = 20, 10
LIKED, NOT, SO_SO = 5, 1, 3
LIST = STEPS * (LIKED + NOT) / 2
"""The value of any list that is the same for all tested users, half of whom have either taste."""


def reward(user: int, item: int) -> int:
    """Users with an even number like even items, the others odd ones; the last items are neutral for everybody."""
    if item >= ITEMS:
        return SO_SO
    return LIKED if (user + item) % 2 == 0 else NOT


def write_tastes(folder: Path, liked: float) -> Path:
    """Write the data set in the folder format. Nobody leaves before `STEPS` steps.

    Args:
        folder: the new folder.
        liked: the share of liked items among the logged ones, neutral items aside.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    rows = []
    for user in range(LOGGED):
        own = np.array([reward(user, item) for item in range(ITEMS + NEUTRAL)])
        share = np.select([own == LIKED, own == NOT], [liked, 1 - liked], 0.5)
        shown = random.choice(len(own), ROWS, replace=False, p=share / share.sum())
        rows += [f"u{user},i{item},{own[item]},{100 * user + place}" for place, item in enumerate(shown)]
    tested = range(LOGGED, LOGGED + TESTED)
    rows += [f"u{user},i{ITEMS + user % NEUTRAL},{SO_SO},{100 * user}" for user in tested]
    (folder / "log.csv").write_text("user_id,item_id,reward,timestamp\n" + "\n".join(rows) + "\n")
    cells = [f"u{user},i{item},{reward(user, item)}" for user in tested for item in range(ITEMS + NEUTRAL)]
    (folder / "truth.csv").write_text("user_id,item_id,reward\n" + "\n".join(cells) + "\n")
    (folder / "dataset.yaml").write_text(
        "files: {interactions: log.csv, truth: truth.csv}\n"
        f"reward: {{feedback: ratings, minimum: {NOT}, maximum: {LIKED}}}\n"
        f"leave: {{by: never, max_steps: {STEPS}}}\n"
    )
    return folder
