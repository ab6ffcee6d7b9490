"""The one place that reads `reference_quirks`: it chooses between darlr's own way of building a run and the reference
code's.
"""

from darlr.config.experiment import ExperimentConfig
from darlr.errors import InputError
from darlr.methods.method import Method
from darlr.methods.registry import METHODS
from darlr.methods.ways import Ways


def ways_of(config: ExperimentConfig) -> Ways:
    """Return the way that `config` asks for.

    Raises:
        InputError: if the package was installed without the reference code's way.
    """
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
    """Return the method that `config` names."""
    return METHODS[config.method]
