"""The users' table of both Kuaishou data sets: 31 columns, texts with brackets and commas, blank cells."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

ACTIVE = ("full_active", "high_active", "middle_active", "UNKNOWN")
FOLLOW_RANGES = ("0", "(0,10]", "(10,50]", "(50,100]", "(100,150]", "(150,250]", "(250,500]", "500+")
FANS_RANGES = ("0", "[1,10)", "[10,100)", "[100,1k)", "[1k,5k)", "[5k,1w)", "[1w,10w)")
FRIEND_RANGES = ("0", "[1,5)", "[5,30)", "[30,60)", "[60,120)", "[120,250)", "250+")
DAYS_RANGES = ("15-30", "31-60", "61-90", "91-180", "181-365", "366-730", "730+")
DAYS = (15, 31, 61, 91, 181, 366, 731)
ONE_HOT_SIZES = (2, 7, 50, 1500, 15, 34, 3, 118, 455, 7, 5, 5, 2, 2, 2, 2, 2, 2)
BLANK_FROM, BLANK_SHARE = 12, 0.03  # these columns of the one-hot features have blank cells
UNKNOWN_STREAMER, UNKNOWN_SHARE = -124, 0.02


def draw_users(n: int, random: np.random.Generator) -> pl.DataFrame:
    """(n, 31) a row for each user 0..n-1."""
    ranks = [random.integers(len(texts), size=n) for texts in (FOLLOW_RANGES, FANS_RANGES, FRIEND_RANGES, DAYS_RANGES)]
    follow, fans, friend, days = ranks
    streamer = np.where(random.random(n) < UNKNOWN_SHARE, UNKNOWN_STREAMER, random.integers(2, size=n))
    frame = pl.DataFrame(
        {
            "user_id": np.arange(n),
            "user_active_degree": _texts(ACTIVE, random.integers(len(ACTIVE), size=n)),
            "is_lowactive_period": random.integers(2, size=n),
            "is_live_streamer": streamer,
            "is_video_author": random.integers(2, size=n),
            "follow_user_num": follow * 70,
            "follow_user_num_range": _texts(FOLLOW_RANGES, follow),
            "fans_user_num": 10**fans - 1,
            "fans_user_num_range": _texts(FANS_RANGES, fans),
            "friend_user_num": friend * 40,
            "friend_user_num_range": _texts(FRIEND_RANGES, friend),
            "register_days": np.array(DAYS)[days],
            "register_days_range": _texts(DAYS_RANGES, days),
        }
    )
    return frame.with_columns(
        _one_hot(f"onehot_feat{place}", random.integers(size, size=n), place, random)
        for place, size in enumerate(ONE_HOT_SIZES)
    )


def _texts(texts: tuple[str, ...], ranks: NDArray[np.int64]) -> pl.Series:
    return pl.Series(texts).gather(ranks)


def _one_hot(name: str, codes: NDArray[np.int64], place: int, random: np.random.Generator) -> pl.Series:
    """Return integers; in a column with blanks, the others are written like 3.0."""
    if place < BLANK_FROM:
        return pl.Series(name, codes)
    blank = random.random(len(codes)) < BLANK_SHARE
    blank[:1] = True
    return pl.Series(name, codes.astype(np.float64)).set(pl.Series(blank), None)
