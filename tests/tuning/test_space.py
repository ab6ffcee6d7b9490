"""Search spaces: the format of a file, its errors, and the built-in spaces."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.run.resolution import resolve
from darlr.tuning.design import Design
from darlr.tuning.space import Choices, Range, Space, spaces
from darlr.world.settings import LeaveConfig
from darlr.world.world import World
from tests.worlds import catalog_of, dataset_of, log_of

N_USERS, N_ITEMS = 200, 40
IDLE = {"sqn": {"sqn.logit_penalty"}, "darlr-static-penalty": {"reward.uncertainty_weight"}}
"""Settings that a method's own settings make meaningless."""


def loaded(times: bool = True, users: int = N_USERS, name: str = "mine") -> LoadedDataset:
    """Two ratings of a world of 40 items with categories, and of so many users."""
    rows = [(0, 0, 1.0), (1, 1, 4.0)]
    dataset = dataset_of(
        log_of(rows, N_USERS, N_ITEMS, times=[1.0, 2.0] if times else None),
        catalog_of([[item % 3] for item in range(N_ITEMS)]),
        world=World(np.arange(users), np.arange(N_ITEMS)),
        leave=LeaveConfig(by="category", window=2, tolerance=1.0, max_steps=20),
        name=name,
    )
    return LoadedDataset(dataset, None)


def read(folder: Path, text: str, values: dict[str, Any] | None = None) -> Space:
    (folder / "space.yaml").write_text(text)
    return Space.find(str(folder / "space.yaml"), "mine").fitted({"method": "mbpo"} | (values or {}), loaded())


def test_ranges_and_choices_dotted_or_nested(tmp_path: Path) -> None:
    space = read(
        tmp_path,
        """
        a2c: {learning_rate: {low: 1e-4, high: 0.1, log: true}, discount: [0, 0.9]}
        tracker.window: {low: 1, high: 8}
        policy.hidden_sizes: [[64], [64, 64]]
        tracker.kind: [mean, gru]
        """,
    )
    assert space.dimensions == {
        "a2c.learning_rate": Range(0.0001, 0.1, log=True),
        "a2c.discount": Choices((0.0, 0.9)),
        "tracker.window": Range(1, 8),
        "policy.hidden_sizes": Choices(((64,), (64, 64))),
        "tracker.kind": Choices(("mean", "gru")),
    }
    assert space.described()["policy.hidden_sizes"] == [[64], [64, 64]]
    assert read(tmp_path, "tracker: {kind: [mean, gru], window: [1, 2, 3]}").size == 6


def test_the_points_of_choices(tmp_path: Path) -> None:
    space = read(tmp_path, "a2c.discount: [0.5, 0.9]\ntracker.window: [3, 5]")
    assert list(space.points()) == [
        {"a2c.discount": discount, "tracker.window": window} for discount in (0.5, 0.9) for window in (3, 5)
    ]
    assert space.point_of(resolve({"method": "mbpo"}, loaded())) == {"a2c.discount": 0.9, "tracker.window": 3}
    assert space.point_of(resolve({"method": "mbpo", "tracker": {"window": 4}}, loaded())) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "the space is empty; expected settings with ranges or choices"),
        ("a2c.x: [1, 2]", "unknown config key 'a2c.x'"),
        ("a2c: [1, 2]", "config key 'a2c' has keys of its own; expected one of them, as 'a2c.learning_rate'"),
        ("a2c.discount: []", "'a2c.discount' has no values; expected at least two"),
        ("a2c.discount: [0.5]", "'a2c.discount' has 1 values; expected at least two"),
        ("a2c.discount: [0.5, 5e-1]", "'a2c.discount' has the value 0.5 twice"),
        ("a2c.discount: 0.5", "'a2c.discount' is 0.5; expected a list of choices, or a range like {low: 1, high: 8}"),
        ("a2c.discount: [0.5, high]", "config key 'a2c.discount' is 'high'; expected a finite number"),
        ("a2c.discount: {low: 0.5, high: 2}", "config key 'a2c.discount' is 2.0; expected from 0 to 1"),
        ("a2c.discount: {low: 0.9, high: 0.5}", "the range of 'a2c.discount' is empty: 'low' is 0.9 and 'high' 0.5"),
        ("a2c.discount: {low: 0, high: 0.5, log: true}", "the range of 'a2c.discount' is logarithmic, but 'low' is 0.0"),
        ("a2c.discount: {low: 0, high: 0.5, log: 1}", "'log' of the range of 'a2c.discount' is 1; expected true or false"),
        ("a2c.discount: {low: 0.5}", "the range of 'a2c.discount' has no 'high'; expected 'low' and 'high'"),
        ("a2c.discount: {low: 0, hihg: 1}", "unknown key of the range of 'a2c.discount' 'hihg'; did you mean 'high'?"),
        ("tracker.kind: {low: 1, high: 2}", "'tracker.kind' is no number, so it has no range; expected a list of choices"),
        ("tracker.window: {low: 1.5, high: 2}", "config key 'tracker.window' is 1.5; expected int"),
        ("tracker.kind: [mean, average]", "unknown value for config key 'tracker.kind' 'average'"),
        ("neighbours.users: [0, 15]", "config key 'neighbours.users' is 15, but method 'mbpo' is defined by 0"),
        ("leave.window: [1, 4]", "'leave.window' cannot be tuned: trials are measured by it"),
        ("training.epochs: [1, 4]", "'training.epochs' cannot be tuned: it is the budget, which trials share"),
        ("seed: [1, 4]", "'seed' cannot be tuned"),
        (
            "a2c.discount: [0.5, 0.9]\nworld_model.members: [3, 5]",
            "'world_model.members' and 'a2c.discount' are measured differently; expected settings of the world model alone",
        ),
        ("a2c.gae_lambda: [0.5, 0.9]", "'a2c.gae_lambda' is in the space and set beside it; expected it once"),
        ("a2c.discount: [0.5, 0.9", "not valid YAML at line 1"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(tmp_path, text, {"a2c": {"gae_lambda": 1.0}})
    assert str(refusal.value).startswith(f"{tmp_path / 'space.yaml'}: {message}")
    assert "\n" not in str(refusal.value)


def test_no_such_space() -> None:
    with pytest.raises(
        InputError, match=r"^drol: no such file, and no built-in space of that name \(built in: bayes-adaptive, "
    ):
        Space.find("drol", "mine")
    with pytest.raises(InputError, match=r"^own\.yaml: "):
        Space.find("own.yaml", "mine")


def test_a_file_goes_before_a_built_in_space_and_a_folder_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("darlr").mkdir()
    Path("own").mkdir()
    assert Space.find("darlr", "mine") == Space.of_table("darlr", "mine")
    with pytest.raises(InputError, match=r"^own: no such file, and no built-in space"):
        Space.find("own", "mine")
    Path("mbpo").write_text("a2c.discount: [0.5, 0.9]")
    assert list(Space.find("mbpo", "mine").dimensions) == ["a2c.discount"]


def test_the_methods_own_space_is_not_looked_for_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mbpo").write_text("no space")
    design = Design.of({"method": "mbpo", "dataset": "mine"}, None, [0], True, loaded())
    assert design.space.dimensions.keys() == Space.of_table("mbpo", "mine").dimensions.keys()


def test_every_method_that_learns_without_the_truth_has_a_space_with_its_own_settings_in_it() -> None:
    without_truth = [name for name, method in METHODS.items() if method.reward == "model"]
    assert set(spaces()) == {*without_truth, "world-model"}
    for method in without_truth:
        whole = Space.find(method, "mine")
        space = whole.fitted({"method": method}, loaded())
        assert space.point_of(resolve({"method": method}, loaded())) is not None, method
        fixed = METHODS[method].fixed.keys()
        assert space.dimensions.keys() == whole.dimensions.keys() - fixed - IDLE.get(method, set()), method


@pytest.mark.parametrize(
    ("method", "dataset"), [("dorl", "coat"), ("roler", "coat"), ("mopo", "coat"), ("roler", "yahoo"), ("roler", "kuairand")]
)
def test_published_settings_of_data_sets_lie_in_the_spaces(method: str, dataset: str) -> None:
    data = loaded(name=dataset)
    assert Space.find(method, dataset).fitted({"method": method}, data).point_of(resolve({"method": method}, data)) is not None


class TestBuiltInSpacesGiveWay:
    def keys(self, method: str, data: LoadedDataset, **values: Any) -> set[str]:
        return set(Space.find(method, "mine").fitted({"method": method, **values}, data).dimensions)

    def test_to_what_is_set(self) -> None:
        whole = self.keys("dorl", loaded())
        assert self.keys("dorl", loaded(), a2c={"discount": 0.9}) == whole - {"a2c.discount"}

    def test_to_data_without_time(self) -> None:
        assert "reward.entropy_weight" in self.keys("dorl", loaded())
        assert "reward.entropy_weight" not in self.keys("dorl", loaded(times=False))

    def test_to_a_small_world(self) -> None:
        space = Space.find("roler", "mine").fitted({"method": "roler"}, loaded(users=12))
        assert space.dimensions["neighbours.users"] == Choices((5, 10))
        assert "neighbours.users" not in self.keys("roler", loaded(users=7))

    def test_to_a_loss_without_negatives(self) -> None:
        whole = Space.find("world-model", "mine")
        rated = whole.fitted({"method": "mbpo"}, loaded())
        assert whole.dimensions.keys() - rated.dimensions.keys() == {"world_model.negatives_per_row"}
        liked = whole.fitted({"method": "mbpo", "world_model": {"loss": "negatives"}}, loaded())
        assert liked.dimensions.keys() == whole.dimensions.keys()

    @pytest.mark.parametrize("method", ["roler", "darlr-static-penalty"])
    def test_to_shaping_that_leaves_no_uncertainty(self, method: str) -> None:
        weight = "reward.uncertainty_weight"
        assert weight not in self.keys(method, loaded(), neighbours={"uncertainty": "none"})
        assert weight in self.keys(method, loaded(), neighbours={"uncertainty": "variance"})
        assert weight in self.keys("darlr", loaded(), neighbours={"uncertainty": "none"})  # its penalty is another one
        assert weight in self.keys("darlr-static-penalty", loaded(), neighbours={"users": 0})
        # The references shift what ROLeR is paid by the world model's own uncertainty.
        assert weight in self.keys("roler", loaded(), neighbours={"uncertainty": "none"}, reference_quirks=True)

    def test_to_an_imitation_head_that_shares_nothing_with_the_values(self) -> None:
        assert "sqn.logit_penalty" not in self.keys("sqn", loaded())
        assert "sqn.logit_penalty" in self.keys("sqn", loaded(), policy={"hidden_sizes": [8]})
        assert "sqn.logit_penalty" in self.keys("sqn", loaded(), offline={"learn_tracker": True})
        assert "bcq.logit_penalty" in self.keys("bcq", loaded(), policy={"hidden_sizes": []})

    def test_until_nothing_is_left(self) -> None:
        with pytest.raises(InputError, match="the space 'ucb' has nothing left to tune here; give one with --space FILE"):
            Space.find("ucb", "mine").fitted({"method": "ucb", "static": {"bonus": 1.0}}, loaded())


def test_data_sets_have_grids_of_their_own() -> None:
    references = {
        name: Space.find("darlr", name).dimensions["selector.references"].probes for name in ("coat", "kuairand", "yahoo")
    }
    assert references["coat"] == (10, 20, 30, 40)
    assert set(references["kuairand"]) > {50, 100, 150, 200}
    assert set(references["yahoo"]) > {25, 50, 75, 100}
    assert "selector.references" not in Space.find("mbpo", "kuairand").dimensions
