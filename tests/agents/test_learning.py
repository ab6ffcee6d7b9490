import time

import pytest
import torch

from darlr.agents.learning import EpochLog
from tests.worlds import CPU


def test_a_phase_lasts_until_the_gpu_has_done_what_was_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waited_for = [0.0], []

    def synchronise(device: torch.device) -> None:
        waited_for.append(device)
        now[0] += 5.0

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(torch.cuda, "synchronize", synchronise)
    log, gpu = EpochLog(), torch.device("cuda")
    for phase, device in (("sampling", gpu), ("learning", CPU), ("sampling", gpu)):
        with log.timed(phase, device):
            now[0] += 2.0
    assert waited_for == [gpu, gpu]
    metrics = log.metrics()
    assert (metrics["seconds/sampling"], metrics["seconds/learning"]) == (14.0, 2.0)
