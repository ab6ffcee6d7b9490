import numpy as np
import pytest

from darlr.data.exposure import Exposure
from darlr.errors import InputError


def test_a_step_stands_once_in_its_session() -> None:
    sessions = np.array([5, 7, 5, 7])
    assert len(Exposure(sessions=sessions, steps=np.array([1, 1, 2, 0]))) == 4
    with pytest.raises(InputError, match="a step stands twice in its session; expected each once"):
        Exposure(sessions=sessions, steps=np.array([1, 2, 3, 2]))
