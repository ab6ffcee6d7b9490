"""The files that a run is begun with: its settings (config.yaml) and its environment (environment.json)."""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darlr.artifacts.files import encode_json, read_object, write_bytes
from darlr.artifacts.schema import Keys, map_of, require, text
from darlr.artifacts.sealing import CHECKSUM, PUT_BACK, checksum, sealed, unsealed
from darlr.config.loading import stable_hash
from darlr.config.yaml_text import MOST_BYTES, parse_mapping, parse_yaml, yaml_text
from darlr.errors import InputError
from darlr.reading import read_text

CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
SETTINGS = "config_checksum"
"""The key in environment.json of config.yaml's checksum."""
WARM_START = "warm_start"
"""The key in environment.json of the run that this one started from."""

ENVIRONMENT_SHAPE = Keys({"darlr": text}, {"data": map_of(text), SETTINGS: text, WARM_START: map_of(text)})
_NAMED = re.compile(r"([0-9a-f]{12})-s(\d+)")
"""The name that `darlr train` gives a run's folder: the hash of the settings, and the seed."""


@dataclass
class Beginning:
    """The settings and the environment of the run in the folder `path`.

    environment.json holds its own checksum and that of the settings. Runs begun by darlr before 0.3 have no checksums;
    their settings are checked against the folder's name.
    """

    path: Path
    _parsed: tuple[str, dict[str, Any]] | None = field(default=None, init=False, repr=False, compare=False)
    """config.yaml as it was last read; parsing takes 20 ms."""

    def missing(self) -> list[str]:
        """List the files, or the key, that the folder lacks to be a run."""
        absent = [name for name in (CONFIG, ENVIRONMENT) if not (self.path / name).is_file()]
        if not absent and "darlr" not in read_object(self.path / ENVIRONMENT):
            return [f"'darlr' in {ENVIRONMENT}"]
        return absent

    def write(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Begin the run. The config is written last, because a folder with a config counts as a run."""
        settings = yaml_text(config)
        began = sealed({**environment, SETTINGS: checksum(parse_yaml(settings, str(self.path / CONFIG)))})
        write_bytes(self.path / ENVIRONMENT, encode_json(began, str(self.path / ENVIRONMENT), indent=2).encode())
        write_bytes(self.path / CONFIG, settings.encode())

    def config(self) -> dict[str, Any]:
        """Return the run's resolved config as plain mappings.

        Raises:
            InputError: if the file was edited.
        """
        path = self.path / CONFIG
        written = read_text(path, at_most=MOST_BYTES)
        if self._parsed is None or self._parsed[0] != written:
            self._parsed = written, parse_mapping(written, str(path))
        config = deepcopy(self._parsed[1])
        began = self._stored()
        if SETTINGS in began:
            if began[SETTINGS] != checksum(config):
                raise InputError(f"{path}: was edited since the run began ({PUT_BACK})")
        elif (name := _NAMED.fullmatch(self.path.absolute().name)) is not None:
            others = {key: value for key, value in config.items() if key != "seed"}
            if name.groups() != (stable_hash(others), str(config.get("seed"))):
                raise InputError(f"{path}: does not match the folder's name, which tells settings and seed ({PUT_BACK})")
        return config

    def environment(self) -> dict[str, Any]:
        """Return the environment in which the run was started.

        Raises:
            InputError: if the file was edited.
        """
        return {key: value for key, value in self._stored().items() if key not in (CHECKSUM, SETTINGS)}

    @property
    def checksum(self) -> str | None:
        """The checksum of environment.json, with which the chain of the records begins; None for a run without checksums."""
        return self._stored().get(CHECKSUM)

    def require_same(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Raise `InputError` if this run has another version, another config or other data.

        Args:
            config: the resolved config.
            environment: the version under `darlr`, and under `data` a mapping from files to hashes.
        """
        if (version := self.environment()["darlr"]) != environment["darlr"]:
            raise InputError(
                f"{self.path}: holds a run of darlr {version}, and this is {environment['darlr']};"
                " choose another folder or delete it"
            )
        key = _difference(self.config(), parse_yaml(yaml_text(config), str(self.path)))
        if key is not None:
            raise InputError(
                f"{self.path}: holds a run of another config ('{key}' differs); choose another folder or delete it"
            )
        file = _difference(self.environment().get("data", {}), environment.get("data", {}))
        if file is not None:
            raise InputError(
                f"{self.path}: this run was started on other data ('{file}' has changed);"
                " restore the file, or delete the run folder to start afresh"
            )

    def _stored(self) -> dict[str, Any]:
        """Read environment.json and verify its checksum."""
        place = str(self.path / ENVIRONMENT)
        values = read_object(self.path / ENVIRONMENT)
        require(values, ENVIRONMENT_SHAPE, place)
        if CHECKSUM in values or SETTINGS in values:
            unsealed(values, place)
        return values


def _difference(one: Any, other: Any, name: str = "") -> str | None:
    """Return the dotted name of the first entry in which two nested mappings differ; None if they are equal."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return None if one == other else name
    for key in [*one, *(key for key in other if key not in one)]:
        inner = f"{name}.{key}" if name else str(key)
        if key not in one or key not in other:
            return inner
        found = _difference(one[key], other[key], inner)
        if found is not None:
            return found
    return None
