from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.parsing.missing import SPELLINGS
from darlr.data.readers.folder import read_folder
from darlr.data.readers.frames import read_frames, settings_of
from darlr.data.source import LoadedDataset
from darlr.errors import InputError

LOG = pl.DataFrame({"user_id": [7, 7, 20], "item_id": [30, 10, 30], "reward": [4, 2, 5], "timestamp": [100, 101, 99]})
ITEMS = pl.DataFrame({"item_id": [10, 20, 30], "categories": ["b|a", None, "a"], "price": [1.5, 2.5, 3.5]})
USERS = pl.DataFrame({"user_id": [7, 20], "age": [20, 40]})
TRUTH = pl.DataFrame({"user_id": [7, 7, 20, 20], "item_id": [10, 30, 10, 30], "reward": [1, 2, 3, 4]})
SCALE: Mapping[str, Any] = {"feedback": "ratings", "minimum": 1, "maximum": 5}


def read(
    frames: Mapping[str, Any],
    scale: Mapping[str, Any] = SCALE,
    repeats: str = "error",
    missing_truth: float | None = None,
    leave: Mapping[str, Any] | None = None,
) -> LoadedDataset:
    return read_frames({"interactions": LOG, **frames}, settings_of("mine", scale, repeats, missing_truth, leave))


def require_same(one: LoadedDataset, other: LoadedDataset) -> None:
    a, b = one.dataset, other.dataset
    for mine, theirs in (
        (a.log.users, b.log.users),
        (a.log.items, b.log.items),
        (a.log.rewards, b.log.rewards),
        (a.log.times, b.log.times),
        (a.log.user_ids, b.log.user_ids),
        (a.log.item_ids, b.log.item_ids),
        (a.items.categories, b.items.categories),
        (a.items.features.codes, b.items.features.codes),
        (a.items.features.numeric, b.items.features.numeric),
        (a.user_features.codes, b.user_features.codes),
        (a.user_features.numeric, b.user_features.numeric),
        (a.world.users, b.world.users),
        (a.world.items, b.world.items),
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert (a.log.reward_range, a.log.positive_only, a.log.positive_threshold) == (
        b.log.reward_range,
        b.log.positive_only,
        b.log.positive_threshold,
    )
    assert (a.items.category_names, a.leave, a.name) == (b.items.category_names, b.leave, b.name)
    assert (one.truth is None) == (other.truth is None)
    assert (a.randomised is None) == (b.randomised is None)
    if a.randomised is not None and b.randomised is not None:
        for name in ("users", "items", "rewards"):
            np.testing.assert_array_equal(getattr(a.randomised, name), getattr(b.randomised, name))
    if one.truth is not None and other.truth is not None:
        np.testing.assert_array_equal(one.truth.rewards, other.truth.rewards)


WHOLE_IDS, TEXT_IDS = (
    st.integers(-20, 300),
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=3).filter(lambda text: text.lower() not in SPELLINGS),
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Tables of a small data set: text ids or whole ones, blank cells, with and without a catalogue, users and a truth."""
    ids = st.lists(WHOLE_IDS if draw(st.booleans()) else TEXT_IDS, min_size=2, max_size=5, unique=True)
    users, items = draw(ids), draw(ids)
    pairs = [(user, item) for user in users for item in items]
    logged = draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True))
    rewards = draw(st.lists(st.integers(2, 10).map(lambda half: half / 2), min_size=len(logged), max_size=len(logged)))
    tables = {
        "interactions": pl.DataFrame(
            {"user_id": [user for user, _ in logged], "item_id": [item for _, item in logged], "reward": rewards}
        )
    }
    if draw(st.booleans()):
        tables["interactions"] = tables["interactions"].with_columns(timestamp=pl.int_range(pl.len()))
    if draw(st.booleans()):
        categories = st.lists(st.sampled_from(["a", "b", "c"]), min_size=0, max_size=2).map(
            lambda names: "|".join(names) or None
        )
        cells = draw(st.lists(categories, min_size=len(items), max_size=len(items)))
        tables["items"] = pl.DataFrame({"item_id": items, "categories": pl.Series(cells, dtype=pl.String)})
    if draw(st.booleans()):
        ages = draw(st.lists(st.none() | st.integers(1, 90), min_size=len(users), max_size=len(users)))
        tables["users"] = pl.DataFrame({"user_id": users, "age": pl.Series(ages, dtype=pl.Int64)})
    if draw(st.booleans()):
        rows = list(dict.fromkeys(user for user, _ in logged))
        columns = list(dict.fromkeys(item for _, item in logged))
        tables["truth"] = pl.DataFrame(
            {"user_id": [row for row in rows for _ in columns], "item_id": columns * len(rows), "reward": 3.0}
        )
    if draw(st.booleans()):
        tables["randomised"] = tables["interactions"].select("user_id", "item_id", "reward").reverse()
    return tables


@given(tables=worlds())
def test_frames_are_read_as_the_same_tables_in_a_folder(tables: dict[str, pl.DataFrame], tmp_path_factory: Any) -> None:
    folder: Path = tmp_path_factory.mktemp("folder")
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    files = ", ".join(f"{name}: {name}.parquet" for name in tables)
    (folder / "dataset.yaml").write_text(
        f"name: mine\nfiles: {{{files}}}\nreward: {{feedback: ratings, minimum: 1, maximum: 5, positive_threshold: 4}}\n"
    )
    require_same(read(tables, {**SCALE, "positive_threshold": 4}), read_folder(folder))


def test_pandas_frames_are_read_as_polars_frames() -> None:
    pandas = pytest.importorskip("pandas")
    given = {"interactions": LOG, "items": ITEMS, "users": USERS, "truth": TRUTH}
    copied = {name: pandas.DataFrame(frame.to_dict(as_series=False)) for name, frame in given.items()}
    require_same(read(copied), read(given))
    assert read(copied).dataset.hashes == read(given).dataset.hashes


def test_hashes_tell_of_every_frame_and_option() -> None:
    frames = {"items": ITEMS, "truth": TRUTH}
    first = read(frames).dataset.hashes
    assert list(first) == ["interactions", "items", "truth", "options"]
    assert read(frames).dataset.hashes == first
    assert read({**frames, "truth": TRUTH.with_columns(reward=1)}).dataset.hashes["truth"] != first["truth"]
    changed = [
        read(frames, {**SCALE, "maximum": 6}),
        read(frames, {**SCALE, "positive_threshold": 4}),
        read(frames, repeats="last"),
        read(frames, missing_truth=2),
        read(frames, leave={"window": 3}),
    ]
    assert len({first["options"], *(each.dataset.hashes["options"] for each in changed)}) == 1 + len(changed)


def test_options_are_obeyed() -> None:
    axes = {"truth_users": USERS, "truth_items": pl.DataFrame({"item_id": [10, 20, 30]})}
    log = pl.concat([LOG, pl.DataFrame({"user_id": [7], "item_id": [30], "reward": [3], "timestamp": [102]})])
    scale = {"feedback": "positive-only", "minimum": 0, "maximum": 5, "positive_threshold": 4}
    leave = {"by": "never", "max_steps": 12}
    loaded = read({"interactions": log, "items": ITEMS, "truth": TRUTH, **axes}, scale, "mean", 0.5, leave)
    assert loaded.truth is not None
    assert loaded.truth.rewards.tolist() == [[1.0, 0.5, 2.0], [3.0, 0.5, 4.0]]
    dataset = loaded.dataset
    assert sorted(dataset.log.rewards.tolist()) == [2.0, 3.5, 5.0]
    assert (dataset.log.positive_only, dataset.log.positive_threshold) == (True, 4.0)
    assert (dataset.leave.by, dataset.leave.max_steps, dataset.leave.window) == ("never", 12, 4)


BAD_FRAMES: list[tuple[dict[str, Any], str]] = [
    ({"interactions": None}, "interactions is a NoneType; expected a pandas, polars or pyarrow table"),
    ({"interactions": LOG.head(0)}, "interactions: the table has no rows; expected at least one"),
    (
        {"interactions": LOG.drop("reward")},
        "interactions: column 'reward' is missing; expected it beside user_id, item_id, timestamp",
    ),
    (
        {"interactions": LOG.with_columns(reward=pl.Series([1, 6, 2]))},
        "interactions: row 1 (from 0), column 'reward' holds '6'; expected a number in 1..5",
    ),
    (
        {"interactions": LOG.with_columns(reward=pl.Series([1.0, 2.0, float("nan")]))},
        "interactions: row 2 (from 0), column 'reward' is blank; expected a number in 1..5",
    ),
    (
        {"interactions": LOG.with_columns(user_id=pl.Series([1.5, 2.0, 3.0]))},
        "interactions: row 0 (from 0), column 'user_id' holds '1.5' of type Float64; expected integers or text",
    ),
    (
        {"interactions": LOG.with_columns(item_id=pl.Series(["a", None, "b"]))},
        "interactions: row 1 (from 0), column 'item_id' is blank; expected an integer or text without spaces around it",
    ),
    (
        {"interactions": LOG.with_columns(reward=pl.Series([[1], [2], [3]]))},
        "interactions: row 0 (from 0), column 'reward' holds '[1]' of type List(Int64); expected numbers or text",
    ),
    (
        {"interactions": pl.concat([LOG, LOG.head(1)])},
        "interactions: row 3 (from 0) repeats user_id 7, item_id 30 of row 0 (from 0); expected each once"
        " (other readings: repeats: last, mean or keep, in from_frames)",
    ),
    (
        {"items": pl.DataFrame({"item_id": [10, 30, 10]})},
        "items: row 2 (from 0) repeats item_id 10 of row 0 (from 0); expected each once",
    ),
    (
        {"items": pl.DataFrame({"item_id": [10], "categories": ["a||b"]})},
        "items: row 0 (from 0), column 'categories' holds 'a||b'; expected names joined by '|'",
    ),
    (
        {"truth": TRUTH.head(3)},
        "truth: no reward for user 20, item 30 (1 of 4 cells are absent); expected all, or missing_truth in from_frames",
    ),
    (
        {"truth": TRUTH.with_columns(item_id=pl.Series([10, 99, 10, 99]))},
        "truth: column 'item_id' has 1 unknown ids (99); expected ids of the log or its catalogue",
    ),
    (
        {"truth": TRUTH, "truth_users": USERS.head(1)},
        "truth: row 2 (from 0), column 'user_id' holds '20'; expected an id of truth_users",
    ),
    (
        {"randomised": TRUTH.with_columns(user_id=pl.Series([7, 20, 8, 9]))},
        "randomised: column 'user_id' has 2 unknown ids (8, 9); expected ids of the log or its catalogue",
    ),
    ({"truth_items": ITEMS}, "from_frames: 'truth_items' is given without 'truth'; expected both or neither"),
]


@pytest.mark.parametrize(("frames", "message"), BAD_FRAMES, ids=[message for _, message in BAD_FRAMES])
def test_bad_frames_are_refused_by_name_and_row(frames: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        read(frames)
    assert str(refused.value) == message


BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"scale": {**SCALE, "feedback": None}}, "from_frames: 'feedback' is not given; expected 'ratings' or 'positive-only'"),
    ({"scale": {**SCALE, "feedback": "stars"}}, "from_frames: unknown value for config key 'feedback' 'stars'"),
    ({"scale": {**SCALE, "minimum": 7}}, "from_frames: key 'reward' has 7..5; expected finite numbers, minimum first"),
    ({"scale": {**SCALE, "minimum": "low"}}, "from_frames: config key 'minimum' is 'low'; expected a finite number"),
    ({"repeats": "first"}, "from_frames: unknown value for config key 'repeats' 'first'"),
    ({"leave": {"windw": 3}}, "from_frames: unknown config key 'leave.windw'; did you mean 'leave.window'?"),
    ({"missing_truth": 1.0}, "from_frames: 'missing_truth' is given without 'truth'; expected both or neither"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=[message for _, message in BAD_OPTIONS])
def test_bad_options_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        read({}, **options)
    assert str(refused.value).startswith(message)


def test_a_missing_value_outside_the_range_of_rewards_is_refused() -> None:
    with pytest.raises(InputError, match=r"^from_frames: key 'missing_truth' is 9; expected a number in 1\.\.5$"):
        read({"truth": TRUTH}, missing_truth=9)


def test_features_are_read_as_they_are_declared() -> None:
    items = ITEMS.with_columns(brand_id=pl.Series([7, 8, 7]), title=pl.Series(["A", "B", "C"]))
    declared = {"coded": ["brand_id"], "ignored": ["title"]}
    settings = settings_of("mine", SCALE, "error", None, None, declared)
    loaded = read_frames({"interactions": LOG, "items": items}, settings)
    features = loaded.dataset.items.features
    assert (features.code_names, features.codes.tolist(), features.numeric_names) == (
        ("brand_id",),
        [[0], [1], [0]],
        ("price",),
    )
    undeclared = read({"items": items})
    assert undeclared.dataset.items.features.numeric_names == ("price", "brand_id")
    assert loaded.dataset.hashes["options"] != undeclared.dataset.hashes["options"]


def test_what_was_said_before_there_were_features_keeps_its_hash() -> None:
    assert read({}).dataset.hashes["options"] == "f9aa34030ad841d46c18ce9bbcc861d26a1d737f47e90ed77c5c6971df9db0dc"


TYPED = pl.DataFrame(
    {
        "user_id": pl.Series(["a", "a", "b"], dtype=pl.Categorical),
        "item_id": pl.Series([30, 10, 30]).cast(pl.Decimal(10, 0)),
        "reward": pl.Series(["4", "2", "5"], dtype=pl.Enum(["2", "4", "5"])),
        "timestamp": pl.Series(["2020-07-05T12:30:00Z", "2020-07-05", "2020-07-05 12:30"]),
    }
)


def test_typed_columns_are_their_values() -> None:
    log = read({"interactions": TYPED}).dataset.log
    assert (log.user_ids.tolist(), log.item_ids.tolist(), log.rewards.tolist()) == (["a", "b"], [10, 30], [4.0, 2.0, 5.0])
    assert log.times is not None
    assert log.times.tolist() == [1593952200.0, 1593907200.0, 1593952200.0]


def test_pandas_and_arrow_types_are_their_values() -> None:
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    texts = {"user_id": ["a", "a", "b"], "item_id": [30, 10, 30], "reward": ["4", "2", "5"]}
    table = pandas.DataFrame(texts).astype({"user_id": "category", "reward": "category", "item_id": "Int32"})
    arrow = pyarrow.table({name: pyarrow.array(cells).dictionary_encode() for name, cells in texts.items()})
    for given_table in (table, arrow):
        log = read({"interactions": given_table}).dataset.log
        assert (log.user_ids.tolist(), log.item_ids.tolist(), log.rewards.tolist()) == (["a", "b"], [10, 30], [4.0, 2.0, 5.0])
