"""A sweep's file: its meaning and its errors."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from darlr.errors import InputError
from darlr.sweep.grid import Grid, Point


def points(tmp_path: Path, text: str) -> list[Point]:
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    return Grid.read(file).points()


def labels(tmp_path: Path, text: str) -> list[str]:
    return [point.label for point in points(tmp_path, text)]


def test_names_and_seeds_are_crossed_and_all_of_a_seed_comes_first(tmp_path: Path) -> None:
    assert labels(tmp_path, "datasets: [synthetic, coat]\nmethods: [mbpo, dorl]\nseeds: [3, 1]") == [
        "synthetic mbpo seed 3",
        "synthetic dorl seed 3",
        "coat mbpo seed 3",
        "coat dorl seed 3",
        "synthetic mbpo seed 1",
        "synthetic dorl seed 1",
        "coat mbpo seed 1",
        "coat dorl seed 1",
    ]


def test_single_names_need_no_list_and_the_seed_is_0(tmp_path: Path) -> None:
    assert points(tmp_path, "datasets: coat\nmethods: mbpo") == [
        Point({"dataset": "coat", "method": "mbpo", "seed": 0}, varied={})
    ]


def test_a_list_is_an_axis_and_keys_may_be_dotted_or_nested(tmp_path: Path) -> None:
    text = "datasets: a\nmethods: m\nset: {a2c.discount: [0.5, 0.9], a2c: {value_weight: 1}, training: {epochs: [1, 2]}}"
    found = points(tmp_path, text)
    assert [point.varied for point in found] == [
        {"a2c.discount": 0.5, "training.epochs": 1},
        {"a2c.discount": 0.5, "training.epochs": 2},
        {"a2c.discount": 0.9, "training.epochs": 1},
        {"a2c.discount": 0.9, "training.epochs": 2},
    ]
    assert found[1].values == {
        "dataset": "a",
        "method": "m",
        "seed": 0,
        "a2c": {"discount": 0.5, "value_weight": 1},
        "training": {"epochs": 2},
    }
    assert found[1].label == "a m seed 0 a2c.discount=0.5 training.epochs=2"


def test_grids_have_bounded_numbers_of_cells(tmp_path: Path) -> None:
    axes = ", ".join(f"a2c.{name}: [0.1, 0.2, 0.3]" for name in ("discount", "gae_lambda", "value_weight", "entropy_weight"))
    few = f"datasets: a\nmethods: m\nset: {{{axes}}}\nvary: {{leave.window: [1, 2]}}\nseeds: "
    assert len(points(tmp_path, f"{few}[0, 1]")) == 2 * 3**4 * 2
    with pytest.raises(InputError, match="the grid has 162000 cells; expected at most 100,000"):
        points(tmp_path, f"{few}{list(range(1000))}")


@pytest.mark.parametrize("text", ["{synthetic.seed: [3, 4]}", "{synthetic: {seed: [3, 4]}}"])
def test_a_part_of_the_settings_may_have_a_seed_of_its_own(tmp_path: Path, text: str) -> None:
    assert [point.values["synthetic"] for point in points(tmp_path, f"{MINIMAL}set: {text}")] == [{"seed": 3}, {"seed": 4}]


@pytest.mark.parametrize(
    ("value", "choices"),
    [([64, 64], [[64, 64]]), ([[64], [64, 64]], [[64], [64, 64]]), ([[8]], [[8]])],
)
def test_a_key_that_is_a_list_has_an_axis_only_as_a_list_of_lists(tmp_path: Path, value: Any, choices: Any) -> None:
    text = yaml.safe_dump({"datasets": "a", "methods": "m", "set": {"policy.hidden_sizes": value}})
    assert [point.values["policy"]["hidden_sizes"] for point in points(tmp_path, text)] == choices


def test_what_varies_is_changed_one_key_at_a_time(tmp_path: Path) -> None:
    text = """
        datasets: a
        methods: m
        set: {selector.references: 20, training.epochs: [1, 2]}
        vary: {selector.references: [10, 30], selector.similarity_weight: [0.5]}
        """
    found = points(tmp_path, text)
    assert [(point.values["selector"], point.values["training"]["epochs"], point.alone) for point in found] == [
        (selector, epochs, alone)
        for epochs in (1, 2)
        for selector, alone in (
            ({"references": 10}, "selector.references"),
            ({"references": 30}, "selector.references"),
            ({"references": 20, "similarity_weight": 0.5}, "selector.similarity_weight"),
        )
    ]
    assert found[0].label == "a m seed 0 training.epochs=1 selector.references=10"


class TestOverrides:
    def test_concern_the_data_sets_and_methods_that_they_name_and_the_later_wins(self, tmp_path: Path) -> None:
        text = """
            datasets: [a, b]
            methods: [m, n]
            set: {training.epochs: [1, 2], leave.window: 4}
            for:
              - {methods: n, set: {training.epochs: 3}}
              - {datasets: [b], methods: [n], set: {training.epochs: 4, leave.window: [5, 6]}}
            """
        found: dict[tuple[str, str], list[tuple[int, int]]] = {
            (point.values["dataset"], point.values["method"]): [] for point in points(tmp_path, text)
        }
        for point in points(tmp_path, text):
            settings = (point.values["training"]["epochs"], point.values["leave"]["window"])
            found[point.values["dataset"], point.values["method"]].append(settings)
        assert found == {
            ("a", "m"): [(1, 4), (2, 4)],
            ("a", "n"): [(3, 4)],
            ("b", "m"): [(1, 4), (2, 4)],
            ("b", "n"): [(4, 5), (4, 6)],
        }

    def test_one_method_alone_may_vary(self, tmp_path: Path) -> None:
        text = """
            datasets: a
            methods: [m, n]
            set: {selector.references: 20}
            for: [{methods: n, vary: {selector.references: [10, 20]}}]
            """
        assert labels(tmp_path, text) == [
            "a m seed 0",
            "a n seed 0 selector.references=10",
            "a n seed 0 selector.references=20",
        ]

    def test_a_set_key_ends_what_was_varied(self, tmp_path: Path) -> None:
        text = """
            datasets: a
            methods: [m, n]
            vary: {selector.references: [10, 20]}
            for: [{methods: n, set: {selector.references: 5}}]
            """
        assert labels(tmp_path, text)[2:] == ["a n seed 0"]


MINIMAL = "datasets: a\nmethods: m\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping of keys to values"),
        ("datasets: [a", "not valid YAML"),
        ("methods: m", "'datasets' is missing; expected one name or a list of names"),
        ("datasets: a", "'methods' is missing"),
        ("datasets: []\nmethods: m", "'datasets' is empty; expected at least one"),
        ("datasets: a\nmethods: []", "'methods' is empty; expected at least one"),
        ("datasets: a\nmethods: [m, 1]", "'methods' has 1; expected a name or a list of names"),
        ("datasets: [a, a]\nmethods: m", "'datasets' has 'a' twice"),
        (MINIMAL + "seeds: []", "'seeds' is empty; expected at least one"),
        (MINIMAL + "seeds: [0, 1, 0]", "'seeds' has 0 twice"),
        (MINIMAL + "seeds: [true]", "'seeds' has True; expected a whole number or a list of them"),
        (MINIMAL + "seed: 1", "unknown sweep key 'seed'; did you mean 'seeds'?"),
        (MINIMAL + "set: {a2c.discout: 1}", "unknown config key 'a2c.discout'; did you mean 'a2c.discount'?"),
        (MINIMAL + "set: {a2d.discount: 1}", "unknown config key 'a2d'; did you mean 'a2c'?"),
        (MINIMAL + "set: {a2c.discount.x: 1}", "unknown config key 'a2c.discount.x'"),
        (MINIMAL + "set: {a2c: 1}", "config key 'a2c' has keys of its own; expected one of them, as 'a2c.learning_rate'"),
        (MINIMAL + "set: {a2c.discount: []}", "'a2c.discount' has no values; expected at least one"),
        (MINIMAL + "set: {a2c.discount: [1, 0, 1]}", "'a2c.discount' has the value 1 twice"),
        (MINIMAL + "set: {a2c.discount: 1, a2c: {discount: 1}}", "'a2c.discount' is given twice under 'set'"),
        (MINIMAL + "set: {seed: [1, 2]}", "'seed' cannot be under 'set'; expected it under 'seeds'"),
        (MINIMAL + "vary: {method: [m, n]}", "'method' cannot be under 'vary'; expected it under 'methods'"),
        (MINIMAL + "set: {1: 2}", "unknown config key '1'"),
        (MINIMAL + "set: [a2c.discount]", "'set' is ['a2c.discount']; expected a mapping from config keys to values"),
        (MINIMAL + "vary: {a2c.discount: []}", "'a2c.discount' has no values"),
        (
            MINIMAL + "set: {a2c.discount: [0, 1]}\nvary: {a2c.discount: [0, 1]}",
            "'a2c.discount' has several values under 'set' and under 'vary'",
        ),
        (MINIMAL + "for: {methods: m}", "'for' is {'methods': 'm'}; expected a list of entries"),
        (MINIMAL + "for: [m]", "entry 1 of 'for' is 'm'; expected a mapping"),
        (MINIMAL + "for: [{methods: n, set: {}}]", "entry 1 of 'for': unknown name in 'methods' 'n' (known: m)"),
        (MINIMAL + "for: [{methods: m}]", "entry 1 of 'for': nothing is set; expected 'set' or 'vary'"),
        (MINIMAL + "for: [{seeds: 1, set: {}}]", "entry 1 of 'for': unknown sweep key 'seeds'"),
        (MINIMAL + "for: [{methods: [], set: {}}]", "entry 1 of 'for': 'methods' is empty; expected at least one"),
        (MINIMAL + "for: [{set: {a2c.x: 1}}]", "entry 1 of 'for': unknown config key 'a2c.x'"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        points(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'grid.yaml'}: ")
    assert str(refused.value).count(str(tmp_path)) == 1
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: no such file"):
        Grid.read(tmp_path / "none.yaml")
