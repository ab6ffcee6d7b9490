"""What a run was begun with: its settings (config.yaml), and where and with what (environment.json)."""

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
"""What environment.json holds of config.yaml."""
WARM_START = "warm_start"
"""What environment.json names the run by that this one started from."""

ENVIRONMENT_SHAPE = Keys({"darlr": text}, {"data": map_of(text), SETTINGS: text, WARM_START: map_of(text)})
_NAMED = re.compile(r"([0-9a-f]{12})-s(\d+)")
"""How `darlr train` names a run's folder: after its settings and its seed."""


@dataclass
class Beginning:
    """The beginning of the run in the folder `path`.

    environment.json has a checksum of its own and one of the settings. Runs that darlr before 0.3 began have none of that, and
    stay without; their settings are checked against the folder's name.
    """

    path: Path
    _parsed: tuple[str, dict[str, Any]] | None = field(default=None, init=False, repr=False, compare=False)
    """config.yaml as it was last read; parsing takes 20 ms."""

    def missing(self) -> list[str]:
        """What the folder lacks to be a run."""
        absent = [name for name in (CONFIG, ENVIRONMENT) if not (self.path / name).is_file()]
        if not absent and "darlr" not in read_object(self.path / ENVIRONMENT):
            return [f"'darlr' in {ENVIRONMENT}"]
        return absent

    def write(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Begin the run; the config comes last: a folder that has one is a run."""
        settings = yaml_text(config)
        began = sealed({**environment, SETTINGS: checksum(parse_yaml(settings, str(self.path / CONFIG)))})
        write_bytes(self.path / ENVIRONMENT, encode_json(began, str(self.path / ENVIRONMENT), indent=2).encode())
        write_bytes(self.path / CONFIG, settings.encode())

    def config(self) -> dict[str, Any]:
        """The run's resolved config as plain mappings; raises `InputError` if it was edited."""
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
        """Where and with what the run was started; raises `InputError` if that was edited."""
        return {key: value for key, value in self._stored().items() if key not in (CHECKSUM, SETTINGS)}

    @property
    def checksum(self) -> str | None:
        """Of environment.json, on which the chain of the records stands; None for a run without checksums."""
        return self._stored().get(CHECKSUM)

    def require_same(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Raise `InputError` if this is a run of another version, another config or other data.

        `environment` has the version under `darlr`, and under `data` a mapping from files to hashes.
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
        """environment.json as it stands, checked."""
        place = str(self.path / ENVIRONMENT)
        values = read_object(self.path / ENVIRONMENT)
        require(values, ENVIRONMENT_SHAPE, place)
        if CHECKSUM in values or SETTINGS in values:
            unsealed(values, place)
        return values


def _difference(one: Any, other: Any, name: str = "") -> str | None:
    """The dotted name of the first entry in which two nested mappings differ; None if there is none."""
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
