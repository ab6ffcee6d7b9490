"""The one way in which a setting out of its limits is refused."""

from darlr.errors import InputError


def require(condition: bool, key: str, value: object, expected: str) -> None:
    """Raise `InputError` naming the key, what it is and what was expected, unless `condition` holds."""
    if not condition:
        raise InputError(f"config key '{key}' is {value!r}; expected {expected}")
