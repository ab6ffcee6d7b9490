"""Settings that come with the package."""

from pathlib import Path

import pytest

from darlr.config.yaml_text import read_yaml
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from darlr.run.presets import FIRST, presets, settings_file


def test_every_preset_is_a_valid_config() -> None:
    assert str(FIRST) in presets()
    for name in presets():
        experiment_config(read_yaml(settings_file(Path(name))))


def test_the_quick_start_is_smaller_and_shorter_than_the_defaults() -> None:
    first, usual = experiment_config(read_yaml(settings_file(FIRST))), experiment_config({})
    assert (first.dataset, first.method) == (usual.dataset, usual.method)
    assert first.training.epochs * first.training.steps_per_epoch <= 50_000
    assert 0 < first.world_model.max_epochs <= 20
    assert usual.world_model.max_epochs == 0  # as many as the log asks for, 20 on a small one


def test_a_file_goes_before_a_preset_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_file(FIRST).parent.name == "presets"
    FIRST.write_text("method: dorl")
    assert settings_file(FIRST) == FIRST


def test_an_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"^unknown settings file or preset 'frist'; did you mean 'first'\?"):
        settings_file(Path("frist"))
    assert settings_file(Path("nowhere.yaml")) == Path("nowhere.yaml")
