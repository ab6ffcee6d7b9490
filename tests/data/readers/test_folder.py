import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darlr.data.parsing.missing import SPELLINGS
from darlr.data.parsing.times import EXPECTED_TIME
from darlr.data.readers.folder import read_folder, read_truth_folder
from darlr.errors import InputError
from tests.data.folders import SETTINGS, write_folder


def test_reads_the_example(tmp_path: Path) -> None:
    loaded = read_folder(write_folder(tmp_path / "mine"))
    data, log = loaded.dataset, loaded.dataset.log
    assert data.name == "mine"
    assert log.user_ids.tolist() == [7, 20]
    assert log.item_ids.tolist() == [10, 20, 30]
    assert (log.users.tolist(), log.items.tolist(), log.rewards.tolist()) == ([0, 0, 1], [2, 0, 2], [4.0, 2.0, 5.0])
    assert log.times is not None
    assert log.times.tolist() == [100.0, 101.0, 99.0]
    assert (log.reward_range, log.positive_only) == ((1.0, 5.0), False)
    assert data.items.category_names == ("a", "b")
    assert data.items.categories.tolist() == [[1, 0], [-1, -1], [0, -1]]
    assert data.items.features.numeric_names == ("price",)
    assert data.items.features.numeric[:, 0].tolist() == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert data.items.features.code_names == ("maker",)
    assert data.items.features.codes[:, 0].tolist() == [1, 0, 1]
    assert data.user_features.numeric.tolist() == [[-1.0], [1.0]]
    assert loaded.truth is not None
    assert loaded.truth.rewards.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert log.item_ids[data.world.items].tolist() == [10, 30]
    assert (data.leave.by, data.leave.window, data.leave.max_steps) == ("category", 4, 30)
    assert set(data.hashes) == {"dataset.yaml", "interactions.csv", "items.csv", "users.csv", "truth.csv"}


def test_parquet_reads_the_same(tmp_path: Path) -> None:
    plain = read_folder(write_folder(tmp_path / "csv"))
    folder = write_folder(tmp_path / "parquet", dataset=SETTINGS.replace(".csv", ".parquet"))
    for path in folder.glob("*.csv"):
        pl.read_csv(path).write_parquet(path.with_suffix(".parquet"))
    typed = read_folder(folder)
    assert typed.truth is not None
    assert plain.truth is not None
    for one, other in (
        (plain.dataset.log.rewards, typed.dataset.log.rewards),
        (plain.dataset.items.categories, typed.dataset.items.categories),
        (plain.dataset.items.features.codes, typed.dataset.items.features.codes),
        (plain.dataset.items.features.numeric, typed.dataset.items.features.numeric),
        (plain.truth.rewards, typed.truth.rewards),
    ):
        np.testing.assert_array_equal(one, other)


def test_log_alone_is_enough(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "bare",
        dataset="files: {interactions: interactions.csv}\nreward: {feedback: positive-only, minimum: 0, maximum: 1}\n",
        interactions="user_id,item_id,reward\nann,x,1\nbob,007,1\n",
    )
    loaded = read_folder(folder)
    log = loaded.dataset.log
    assert loaded.truth is None
    assert (log.user_ids.tolist(), log.item_ids.tolist()) == (["ann", "bob"], ["007", "x"])
    assert (log.times, log.positive_only) == (None, True)
    assert loaded.dataset.leave.by == "never"
    assert loaded.dataset.world.n_items == 2


def test_items_of_the_log_that_the_catalogue_lacks_are_blank(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, interactions="user_id,item_id,reward\n7,99,3\n20,10,2\n")
    items = read_folder(folder).dataset.items
    assert items.categories.tolist()[3] == [-1, -1]
    assert items.features.numeric.tolist()[3] == [0.0]
    assert items.features.codes.tolist()[3] == [0]


@pytest.mark.parametrize(
    ("repeats", "rewards", "times"),
    # The last is the latest by time, not by line.
    [("last", [5, 3], [99, 102]), ("mean", [3, 5], [102, 99]), ("keep", [4, 3, 2, 5], [100, 102, 101, 99])],
)
def test_repeated_pairs(tmp_path: Path, repeats: str, rewards: list[float], times: list[float]) -> None:
    interactions = "user_id,item_id,reward,timestamp\n7,30,4,100\n7,30,3,102\n7,30,2,101\n20,30,5,99\n"
    folder = write_folder(tmp_path, interactions=interactions, dataset=SETTINGS + f"log: {{repeats: {repeats}}}\n")
    log = read_folder(folder).dataset.log
    assert log.times is not None
    assert (log.rewards.tolist(), log.times.tolist()) == (rewards, times)


def test_truth_axes_and_missing_cells(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path,
        dataset=SETTINGS.replace("truth.csv", "truth.csv\n  truth_users: tu.csv") + "truth: {missing: 1}\n",
        truth="user_id,item_id,reward\n20,30,4\n",
    )
    (folder / "tu.csv").write_text("user_id\n20\n7\n")
    loaded = read_folder(folder)
    assert loaded.truth is not None
    assert loaded.truth.rewards.tolist() == [[1.0], [4.0]]
    assert loaded.dataset.log.user_ids[loaded.dataset.world.users].tolist() == [7, 20]


RANDOMISED = SETTINGS.replace("truth.csv", "truth.csv\n  randomised: shown.csv")


def test_randomly_shown_ratings_are_a_log_of_their_own(tmp_path: Path) -> None:
    plain = read_folder(write_folder(tmp_path / "plain"))
    assert plain.dataset.randomised is None
    folder = write_folder(tmp_path / "shown", dataset=RANDOMISED)
    (folder / "shown.csv").write_text("user_id,item_id,reward\n20,10,1\n7,20,2\n20,10,3\n")  # a pair twice
    loaded = read_folder(folder)
    shown, log = loaded.dataset.randomised, loaded.dataset.log
    assert shown is not None
    assert (shown.users.tolist(), shown.items.tolist(), shown.rewards.tolist()) == ([1, 0, 1], [0, 1, 0], [1.0, 2.0, 3.0])
    assert (shown.reward_range, shown.times) == (log.reward_range, None)
    assert log.rewards.tolist() == plain.dataset.log.rewards.tolist()
    before = loaded.dataset.hashes
    assert before.keys() == {*plain.dataset.hashes, "shown.csv"}
    (folder / "shown.csv").write_text("user_id,item_id,reward\n20,10,1\n")
    assert read_folder(folder).dataset.hashes["shown.csv"] != before["shown.csv"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("7,10,9", "shown.csv: line 2, column 'reward' holds '9'; expected a number in 1..5"),
        ("7,10,1\n8,10,1", "shown.csv: column 'user_id' has 1 unknown ids (8); expected ids of the log or its catalogue"),
        ("7,11,1", "shown.csv: column 'item_id' has 1 unknown ids (11); expected ids of the log or its catalogue"),
    ],
)
def test_refuses_bad_ratings_of_randomly_shown_items(tmp_path: Path, lines: str, message: str) -> None:
    folder = write_folder(tmp_path, dataset=RANDOMISED)
    (folder / "shown.csv").write_text(f"user_id,item_id,reward\n{lines}\n")
    with pytest.raises(InputError) as error:
        read_folder(folder)
    assert str(error.value) == f"{folder}/{message}"


def test_refuses_randomly_shown_ratings_beside_positives_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, dataset=RANDOMISED.replace("ratings", "positive-only"))
    (folder / "shown.csv").write_text("user_id,item_id,reward\n7,10,1\n")
    with pytest.raises(
        InputError, match=r"dataset.yaml: ratings of randomly shown items are given for a log of positives alone"
    ):
        read_folder(folder)


BAD_FILES = [
    ("interactions", None, "interactions.csv: no such file"),
    ("interactions", "", "interactions.csv: the file is empty"),
    (
        "interactions",
        "user_id,item_id,reward\n",
        "interactions.csv: the table has no rows; expected at least one below its header",
    ),
    (
        "interactions",
        "user_id,item_id\n1,2\n",
        "interactions.csv: column 'reward' is missing; expected it beside user_id, item_id",
    ),
    (
        "interactions",
        "user_id,item_id,reward\n7,10,1\n7,30,6\n",
        "interactions.csv: line 3, column 'reward' holds '6'; expected a number in 1..5",
    ),
    (
        "interactions",
        "user_id,item_id,reward\n7,10,1\n20,30,good\n",
        "interactions.csv: line 3, column 'reward' holds 'good'; expected a number in 1..5",
    ),
    (
        "interactions",
        "user_id,item_id,reward\n7,10,1\n20,30,3\n7,10,2\n",
        "interactions.csv: line 4 repeats user_id 7, item_id 10 of line 2; expected each once"
        " (other readings: log.repeats: last, mean or keep, in dataset.yaml)",
    ),
    (
        "interactions",
        "user_id,item_id,reward,timestamp\n7,10,1,\n",
        f"interactions.csv: line 2, column 'timestamp' is blank; expected {EXPECTED_TIME}",
    ),
    ("interactions", b"user_id,item_id,reward\n7,\xe4,1\n", "interactions.csv: line 2 is not UTF-8 text"),
    ("items", "item_id\n10\n30\n10\n", "items.csv: line 4 repeats item_id 10 of line 2; expected each once"),
    (
        "items",
        "item_id,categories\n10,a||b\n30,c\n",
        "items.csv: line 2, column 'categories' holds 'a||b'; expected names joined by '|'",
    ),
    ("users", "user\n7\n", "users.csv: column 'user_id' is missing; expected it beside user; did you mean 'user'?"),
    (
        "truth",
        "user_id,item_id,reward\n7,10,1\n7,30,2\n20,10,3\n",
        "truth.csv: no reward for user 20, item 30 (1 of 4 cells are absent); expected all, or truth.missing in dataset.yaml",
    ),
    (
        "truth",
        "user_id,item_id,reward\n7,10,1\n7,10,2\n",
        "truth.csv: line 3 repeats user_id 7, item_id 10 of line 2; expected each once",
    ),
    (
        "truth",
        "user_id,item_id,reward\n7,10,1\n8,10,2\n",
        "truth.csv: column 'user_id' has 1 unknown ids (8); expected ids of the log or its catalogue",
    ),
    ("truth", "user_id,item_id,reward\n7,10,0\n", "truth.csv: line 2, column 'reward' holds '0'; expected a number in 1..5"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES)
def test_refuses_bad_files(tmp_path: Path, name: str, content: str | bytes | None, message: str) -> None:
    folder = write_folder(tmp_path, **{name: content})
    with pytest.raises(InputError) as error:
        read_folder(folder)
    assert str(error.value) == f"{folder}/{message}"


BAD_SETTINGS = [
    (("files:", "file:"), "unknown config key 'file'; did you mean 'files'?"),
    (("interactions:", "interaction:"), "unknown config key 'files.interaction'; did you mean 'files.interactions'?"),
    (("  interactions: interactions.csv\n", ""), "key 'files.interactions' is missing; expected the name of a"),
    (("maximum: 5", "maximun: 5"), "unknown config key 'reward.maximun'; did you mean 'reward.maximum'?"),
    ((", maximum: 5", ""), "key 'reward.maximum' is missing; expected the largest reward that a user can give"),
    (("maximum: 5", "maximum: 1"), "key 'reward' has 1..1; expected finite numbers, minimum first"),
    (("maximum: 5", "maximum: 1e13"), "key 'reward.maximum' is 1e+13; expected from -1e+12 to 1e+12"),
    (("maximum: 5", "maximum: 5, positive_threshold: -1.0e+30"), "key 'reward.positive_threshold' is -1e+30; expected from"),
    (("reward:", "leave: {max_steps: 20000}\nreward:"), "config key 'leave.max_steps' is 20000; expected from 1 to 10,000"),
    (
        ("minimum: 1, maximum: 5", "minimum: 100000000, maximum: 100000005"),
        "key 'reward' has 100000000.0..100000005.0; expected",
    ),
    (("minimum: 1, maximum: 5", "minimum: 0, maximum: 1.0e-100"), "key 'reward' has 0.0..1e-100; expected numbers further"),
    (
        ("maximum: 5", "maximum: 5, positive_threshold: 9"),
        "key 'reward.positive_threshold' is 9; expected at most the maximum, 5",
    ),
    (("maximum: 5", "maximum: five"), "config key 'reward.maximum' is 'five'; expected a finite number"),
    (("ratings", "rating"), "unknown value for config key 'reward.feedback' 'rating'; did you mean 'ratings'?"),
    (("interactions.csv", "../interactions.csv"), "key 'files.interactions' is '../interactions.csv'; expected a file inside"),
    (("interactions.csv", "/etc/passwd"), "key 'files.interactions' is '/etc/passwd'; expected a file inside"),
    (("  truth: truth.csv\n", "  truth_users: truth.csv\n"), "key 'files.truth_users' is given without 'files.truth'"),
    (("  truth: truth.csv\n", "truth: {missing: 0}\n"), "key 'truth.missing' is given without 'files.truth'"),
    (("reward:", "truth: {missing: 0}\nreward:"), "key 'truth.missing' is 0; expected a number in 1..5"),
    (("reward:", "leave: {windo: 4}\nreward:"), "unknown config key 'leave.windo'; did you mean 'leave.window'?"),
    (
        ("reward:", "leave: {by: catgory}\nreward:"),
        "unknown value for config key 'leave.by' 'catgory'; did you mean 'category'?",
    ),
    (("reward:", "leave: {window: 0}\nreward:"), "config key 'leave.window' is 0; expected from 1 to 10,000"),
    (("reward:", "log: {repeats: first}\nreward:"), "unknown value for config key 'log.repeats' 'first'"),
    (("reward:", "name: a/b\nreward:"), "key 'name' is 'a/b'; expected a name without slashes"),
]


@pytest.mark.parametrize(("change", "message"), BAD_SETTINGS)
def test_refuses_bad_settings(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in SETTINGS
    folder = write_folder(tmp_path, dataset=SETTINGS.replace(*change))
    with pytest.raises(InputError, match=re.escape(f"{folder}/dataset.yaml: {message}")):
        read_folder(folder)


@pytest.mark.parametrize("items", ["item_id,price\n10,1\n30,2\n", "item_id,categories\n10,\n30,\n"])
def test_users_of_items_without_categories_never_leave_unless_told(tmp_path: Path, items: str) -> None:
    plain = read_folder(write_folder(tmp_path / "plain", items=items)).dataset
    assert (plain.items.n_categories, plain.leave.by, plain.leave.max_steps) == (0, "never", 30)
    told = SETTINGS + "leave: {by: distance, tolerance: 2, max_steps: 7}\n"
    leave = read_folder(write_folder(tmp_path / "told", items=items, dataset=told)).dataset.leave
    assert (leave.by, leave.tolerance, leave.max_steps) == ("distance", 2, 7)


def test_refuses_a_leave_rule_by_category_without_categories(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, items="item_id\n10\n30\n", dataset=SETTINGS + "leave: {by: category}\n")
    with pytest.raises(InputError, match=r"dataset.yaml: leave.by is 'category', but no item has categories"):
        read_folder(folder)


def test_refuses_a_missing_folder_or_settings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no: no such folder$"):
        read_folder(tmp_path / "no")
    with pytest.raises(InputError, match=r"dataset.yaml: no such file$"):
        read_folder(tmp_path)


def test_a_truth_line_outside_its_axes_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, dataset=SETTINGS.replace("truth.csv", "truth.csv\n  truth_items: ti.csv"))
    (folder / "ti.csv").write_text("item_id\n10\n")
    with pytest.raises(InputError, match=r"truth.csv: line 3, column 'item_id' holds '30'; expected an id of ti.csv"):
        read_folder(folder)


def test_another_truth_is_read_against_a_log(tmp_path: Path) -> None:
    log = read_folder(write_folder(tmp_path / "first")).dataset.log
    other = write_folder(
        tmp_path / "other", dataset="files: {truth: truth.csv}\n", truth="user_id,item_id,reward\n20,20,1\n20,10,3\n"
    )
    truth = read_truth_folder(other, log, log.reward_range)
    assert (truth.world.users.tolist(), truth.world.items.tolist()) == ([1], [0, 1])
    assert truth.rewards.tolist() == [[3.0, 1.0]]


def test_another_truth_with_unknown_ids_lists_five(tmp_path: Path) -> None:
    log = read_folder(write_folder(tmp_path / "first")).dataset.log
    lines = "".join(f"20,{item},1\n" for item in range(101, 108))
    other = write_folder(tmp_path / "other", dataset="files: {truth: truth.csv}\n", truth="user_id,item_id,reward\n" + lines)
    with pytest.raises(InputError, match=r"column 'item_id' has 7 unknown ids \(101, 102, 103, 104, 105, \.\.\.\)"):
        read_truth_folder(other, log, log.reward_range)
    (other / "dataset.yaml").write_text("name: other\n")
    with pytest.raises(InputError, match=r"dataset.yaml: key 'files.truth' is missing"):
        read_truth_folder(other, log, log.reward_range)


ids = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8, unique=True),
    st.lists(
        st.text("abz019-ü,\"'", min_size=1, max_size=4).filter(lambda text: text not in SPELLINGS),
        min_size=1,
        max_size=8,
        unique=True,
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(users=ids, items=ids, data=st.data())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, users: list[object], items: list[object], data: st.DataObject
) -> None:
    cells = [(user, item) for user in users for item in items]
    pairs = data.draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
    rewards = data.draw(st.lists(st.floats(0, 5, width=32), min_size=len(pairs), max_size=len(pairs)))
    folder = tmp_path_factory.mktemp("round")
    frame = pl.DataFrame({"user_id": [p[0] for p in pairs], "item_id": [p[1] for p in pairs], "reward": rewards})
    frame.write_csv(folder / "log.csv")
    frame.write_csv(folder / "truth.csv")
    (folder / "dataset.yaml").write_text(
        "files: {interactions: log.csv, truth: truth.csv}\n"
        "reward: {feedback: ratings, minimum: 0, maximum: 5}\ntruth: {missing: 0}\n"
    )
    loaded = read_folder(folder)
    log = loaded.dataset.log
    back = list(zip(log.user_ids[log.users].tolist(), log.item_ids[log.items].tolist(), strict=True))
    assert [tuple(map(str, pair)) for pair in back] == [tuple(map(str, pair)) for pair in pairs]
    assert log.rewards.tolist() == rewards
    assert log.user_ids.tolist() == sorted(log.user_ids.tolist())
    assert loaded.truth is not None
    rows = np.searchsorted(loaded.truth.world.users, log.users)
    columns = np.searchsorted(loaded.truth.world.items, log.items)
    assert loaded.truth.rewards[rows, columns].tolist() == rewards
    assert loaded.truth.rewards.sum(dtype=float) == pytest.approx(sum(rewards), rel=1e-5, abs=1e-30)


def test_real_kuairec_positives(real_data: Callable[[str], Path]) -> None:
    loaded = read_folder(real_data("kuairec-positives"))
    log = loaded.dataset.log
    assert (len(log), log.n_users, log.n_items, log.positive_only) == (132_520, 7_176, 10_729, True)
    assert loaded.truth is not None
    assert loaded.truth.rewards.shape == (941, 3_327)
    assert loaded.truth.rewards.sum() == 141_721
    assert loaded.dataset.items.n_categories == 31
    assert log.user_ids[loaded.dataset.world.users[:3]].tolist() == [14, 19, 21]


FACTORS = (
    SETTINGS.replace("truth: truth.csv", "truth_user_factors: u.csv\n  truth_item_factors: i.csv") + "truth: {link: log}\n"
)


def write_factors(folder: Path, users: str = "user_id,a,b\n20,0,1\n7,1,0\n", **changed: str) -> Path:
    write_folder(folder, dataset=changed.get("dataset", FACTORS), truth=None)
    (folder / "u.csv").write_text(users)
    (folder / "i.csv").write_text(changed.get("items", "item_id,a,b\n30,0.5,0\n10,0.25,9\n"))
    return folder


def test_a_truth_may_be_factors(tmp_path: Path) -> None:
    loaded = read_folder(write_factors(tmp_path / "mine"))
    assert loaded.truth is not None
    np.testing.assert_allclose(loaded.truth.rewards, [[np.exp(0.25), np.exp(0.5)], [5, 1]], rtol=1e-6)
    log = loaded.dataset.log
    assert (log.user_ids[loaded.truth.world.users].tolist(), log.item_ids[loaded.truth.world.items].tolist()) == (
        [7, 20],
        [10, 30],
    )
    plain = read_folder(write_factors(tmp_path / "plain", dataset=FACTORS.replace("link: log", "link: identity")))
    assert plain.truth is not None
    np.testing.assert_allclose(plain.truth.rewards, [[1, 1], [5, 1]])
    again = read_truth_folder(tmp_path / "mine", log, (1.0, 5.0))
    np.testing.assert_array_equal(again.rewards, loaded.truth.rewards)


def test_a_part_of_the_factors_may_be_the_test_world(tmp_path: Path) -> None:
    folder = write_factors(tmp_path / "mine", dataset=FACTORS.replace("i.csv", "i.csv\n  truth_users: tested.csv"))
    (folder / "tested.csv").write_text("user_id\n20\n")
    loaded = read_folder(folder)
    assert loaded.truth is not None
    np.testing.assert_allclose(loaded.truth.rewards, [[5, 1]])
    (folder / "u.csv").write_text("user_id,a,b\n7,1,0\n")
    with pytest.raises(InputError, match=r"u.csv: column 'user_id' lacks 20; expected all ids of the test world"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"users": "user_id,a,c\n7,1,0\n"}, r"i.csv: the factors are a, b; expected a, c, as .*u.csv has them"),
        ({"users": "user_id\n7\n"}, r"u.csv: has no column beside 'user_id'; expected one for each factor"),
        ({"users": "user_id,a,b\n7,1,x\n"}, r"u.csv: line 2, column 'b' holds 'x'; expected a number"),
        ({"users": "user_id,a,b\n7,1,0\n7,1,0\n"}, r"u.csv: line 3 repeats user_id 7 of line 2; expected each once"),
        ({"users": "user_id,a,b\n8,1,0\n"}, r"u.csv: column 'user_id' has 1 unknown ids \(8\); expected ids of the log"),
        (
            {"dataset": FACTORS.replace("truth_item_factors: i.csv", "")},
            r"key 'files.truth_user_factors' is given without 'files.truth_item_factors'; expected both or neither",
        ),
        (
            {"dataset": FACTORS.replace("truth_item_factors", "truth: t.csv\n  truth_item_factors")},
            r"dataset.yaml: keys 'files.truth' and 'files.truth_user_factors' are given; expected one of them",
        ),
        (
            {"dataset": SETTINGS + "truth: {link: log}\n"},
            r"key 'truth.link' is given without 'files.truth_user_factors'; expected both or neither",
        ),
    ],
)
def test_factors_that_cannot_be_used(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_folder(write_factors(tmp_path / "mine", **changes))


def test_a_truth_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.memory.memory_here", lambda: 15)
    with pytest.raises(InputError, match=r"u.csv: the test world has 2 users and 2 items, which takes about 0.0 MiB for their"):
        read_folder(write_factors(tmp_path / "mine"))


def test_a_log_may_be_a_folder_of_parts(tmp_path: Path) -> None:
    whole = read_folder(write_folder(tmp_path / "whole"))
    folder = write_folder(tmp_path / "parts", dataset=SETTINGS.replace("interactions.csv", "log"))
    rows = pl.read_csv(folder / "interactions.csv")
    (folder / "log").mkdir()
    rows[:2].write_parquet(folder / "log" / "a.parquet")
    rows[2:].write_parquet(folder / "log" / "b.parquet")
    parts = read_folder(folder)
    np.testing.assert_array_equal(parts.dataset.log.rewards, whole.dataset.log.rewards)
    (folder / "log" / "b.parquet").rename(folder / "log" / "c.parquet")
    assert read_folder(folder).dataset.hashes["log"] != parts.dataset.hashes["log"]
