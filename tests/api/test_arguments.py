from pathlib import Path

import pytest

from darlr.api.arguments import gathered, placed_on
from darlr.errors import InputError
from tests.api.data import planted


def test_nested_and_dotted_settings_are_put_together() -> None:
    settings = {"a2c.discount": 0.9, "training": {"environments": 5}}
    values = gathered(settings, {"a2c": {"gae_lambda": 0.5}}, {"seed": 3, "training.epochs": 2, "method": None})
    assert values == {
        "a2c": {"discount": 0.9, "gae_lambda": 0.5},
        "training": {"environments": 5, "epochs": 2},
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("settings", "sections", "key"),
    [
        ({"a2c.discount": 0.9, "a2c": {"discount": 0.8}}, {}, "a2c.discount"),
        ({"a2c.discount": 0.9}, {"a2c": {"discount": 0.8}}, "a2c.discount"),
        ({"training": {"epochs": 3}}, {}, "training.epochs"),
        ({"a2c.discount": 0.9, "a2c": 3}, {}, "a2c"),
    ],
)
def test_a_setting_that_is_given_twice_is_refused(settings: dict[str, object], sections: dict[str, object], key: str) -> None:
    with pytest.raises(InputError, match=rf"^setting '{key}' is given twice; expected it once$"):
        gathered(settings, sections, {"training.epochs": 2})


def test_a_data_set_in_memory_is_not_read_again() -> None:
    values, loaded = placed_on(planted(), {"seed": 1}, None)
    assert values == {"seed": 1, **planted().settings}
    assert loaded.dataset.name == "planted"
    with pytest.raises(InputError, match=r"^setting 'data' says how a data set is read, but this one is"):
        placed_on(planted(), {"data": {"repeats": "last"}}, None)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the data set is a int; expected a darlr\.Dataset, a name or a folder$"):
        placed_on(3, {}, None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no such folder"):
        placed_on(tmp_path / "absent", {}, None)
