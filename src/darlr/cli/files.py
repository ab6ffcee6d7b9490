"""Files that commands write, in the form that their names ask for."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from darlr.errors import InputError

Form = TypeVar("Form")


def form_of(path: Path, forms: Mapping[str, Form]) -> Form:
    """What `forms` has for the suffix of `path`, as ".csv"; raises `InputError` for a suffix that it does not have.

    Commands ask before they compute anything, so that a name that cannot be written is refused at once.
    """
    form = forms.get(path.suffix.lower())
    if form is None:
        raise InputError(f"{path}: cannot write '{path.suffix}' files; expected one of {', '.join(forms)}")
    return form
