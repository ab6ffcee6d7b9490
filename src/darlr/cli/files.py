"""Files that commands write, in the format that the suffix asks for."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from darlr.errors import InputError

Form = TypeVar("Form")


def form_of(path: Path, forms: Mapping[str, Form]) -> Form:
    """Return the entry of `forms` for the suffix of `path`, for example ".csv".

    Commands ask before they compute anything, so that a name that cannot be written is refused at once.

    Raises:
        InputError: for a suffix that it does not have.
    """
    form = forms.get(path.suffix.lower())
    if form is None:
        raise InputError(f"{path}: cannot write '{path.suffix}' files; expected one of {', '.join(forms)}")
    return form
