"""The one place where `reference_quirks` is asked for: darlr's own way of putting a run together, or the references'."""

from darlr.config.experiment import ExperimentConfig
from darlr.errors import InputError
from darlr.methods.method import Method
from darlr.methods.registry import METHODS
from darlr.methods.ways import Ways


def ways_of(config: ExperimentConfig) -> Ways:
    """The way that `config` asks for; raises `InputError` where the package was installed without the references'."""
    if not config.reference_quirks:
        return Ways()
    try:
        from darlr.references.ways import ReferenceWays  # noqa: PLC0415 (darlr works without that folder)
    except ModuleNotFoundError as error:
        raise InputError(
            "config key 'reference_quirks' is true, but this copy of darlr has no 'references' folder; expected false"
        ) from error
    return ReferenceWays()


def method_of(config: ExperimentConfig) -> Method:
    """The method that `config` names."""
    return METHODS[config.method]
