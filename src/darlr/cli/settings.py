"""The settings of a run, put together from the options of a command."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darlr.config.experiment import TrainingConfig
from darlr.config.loading import from_mapping, merge, parse_overrides
from darlr.config.yaml_text import read_yaml
from darlr.errors import InputError


def settings_of(
    file: Path | None = None,
    overrides: tuple[str, ...] = (),
    options: Mapping[str, Any] | None = None,
    epochs: int | None = None,
) -> dict[str, Any]:
    """Merge the nested settings of `file`, of `--set`, and of options; later ones override earlier ones.

    Args:
        file: settings in YAML.
        overrides: pairs "KEY=VALUE".
        options: values of options that are named like their keys; None for an option that was not given.
        epochs: the number of epochs of learning, `training.epochs`.

    Raises:
        InputError: for a key that both `--set` and an option give, and for text that is not a mapping of settings.
    """
    values = read_yaml(file) if file is not None else {}
    chosen = parse_overrides(overrides)
    given = {key: value for key, value in (options or {}).items() if value is not None}
    twice = sorted(given.keys() & chosen.keys())
    if twice:
        raise InputError(f"'{twice[0]}' is given both by --{twice[0]} and by --set; expected it once")
    if epochs is not None:
        for settings in (values, chosen):  # what is no mapping would give way to the epochs unseen
            from_mapping(TrainingConfig, settings.get("training", {}), prefix="training.")
        if "epochs" in chosen.get("training", {}):
            raise InputError("'training.epochs' is given both by --epochs and by --set; expected it once")
        given["training"] = {"epochs": epochs}
    return merge(merge(values, chosen), given)
