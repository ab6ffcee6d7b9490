"""The display of a run's progress in a terminal, and as plain lines."""

import io
import re

import pytest
from rich.console import Console

from darlr.cli.terminal.run import TerminalMonitor

RECORD = {
    "train/steps": 100_000,
    "seconds/sampling": 0.25,
    "seconds/learning": 0.25,
    "nx_0/sampled/r_tra": 77.125,
    "nx_0/greedy/r_tra": 78.5,
}


def shown(terminal: bool, width: int) -> list[str]:
    """Return the lines of a run whose world model stops after 2 of 100 epochs, and whose policy has 200."""
    text = io.StringIO()
    with TerminalMonitor(5, Console(file=text, force_terminal=terminal, width=width, color_system=None)) as monitor:
        monitor.notice("the log has no time")
        for epoch in (1, 2):
            monitor.fitted(epoch, 100, 0.5)
        for epoch in (1, 2, 200):
            monitor.trained({**RECORD, "epoch": epoch}, 200)
    return [line.strip() for line in re.split(r"[\r\n]+|\x1b\[[0-9;?]*[A-Za-z]", text.getvalue()) if line.strip()]


@pytest.mark.parametrize("width", [80, 160])
def test_a_terminal_has_a_bar_for_each_stage(width: int) -> None:
    lines = shown(True, width)
    assert lines[0] == "note: the log has no time"
    world_model, policy = lines[-2:]
    assert " 2/2 " in world_model
    assert world_model.endswith(" loss 0.5000")
    assert " 200/200 " in policy
    assert policy.endswith("200,000 steps/s, sampled 77.12, greedy 78.50")
    assert "…" not in policy + world_model
    assert max(map(len, lines)) <= width


def test_a_long_epoch_is_told_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 20))  # seconds
    monkeypatch.setattr("darlr.cli.terminal.run.time.monotonic", lambda: float(next(clock)))
    text = io.StringIO()
    with TerminalMonitor(5, Console(file=text, force_terminal=False, width=80, color_system=None)) as monitor:
        for share in (0.25, 0.75):
            monitor.fitting(1, 4, share)
        monitor.fitted(1, 4, 0.5)
        monitor.fitting(2, 4, 0.25)
    lines = text.getvalue().splitlines()
    assert [line.split(", at most ")[0] for line in lines] == [
        "world model: epoch 1 of at most 4, 25% of it",
        "world model: epoch 1 of at most 4, 75% of it",
        "world model: epoch 1 of at most 4, loss 0.5000",
        "world model: epoch 2 of at most 4, 25% of it",
    ]
    # The stage's clock starts at 0, 20 s before its first line: 3.25 epochs are left after half an epoch in 40 s.
    assert lines[1].endswith(", at most 260 s left")


def test_a_bar_moves_while_a_long_epoch_lasts() -> None:
    text = io.StringIO()
    with TerminalMonitor(5, Console(file=text, force_terminal=True, width=80, color_system=None)) as monitor:
        monitor.fitting(1, 4, 0.25)
        monitor.fitted(1, 4, 0.5)
        monitor.fitting(2, 4, 0.75)
    last = [line for line in text.getvalue().splitlines() if "world model" in line][-1]
    assert " 1/4 " in last
    assert "75% of it" in last


def test_elsewhere_each_stage_has_its_first_and_its_last_line() -> None:
    figures = "200,000 steps/s, sampled 77.12, greedy 78.50"
    assert shown(False, 80) == [
        "note: the log has no time",
        "world model: epoch 1 of at most 100, loss 0.5000",
        "world model: epoch 2 of at most 100, loss 0.5000",
        f"policy: epoch 1/200, {figures}",
        f"policy: epoch 200/200, {figures}",
    ]


def test_a_second_world_model_is_a_stage_of_its_own() -> None:
    text = io.StringIO()
    with TerminalMonitor(5, Console(file=text, force_terminal=False, width=80, color_system=None)) as monitor:
        for epoch in (1, 2, 1, 2):
            monitor.fitted(epoch, 4, epoch / 2)
        monitor.learning(0, 1)
    lines = text.getvalue().splitlines()
    assert [line for line in lines if "world model" in line] == [
        f"world model: epoch {epoch} of at most 4, loss {epoch / 2:.4f}" for epoch in (1, 2, 1, 2)
    ]


def test_the_time_left_of_a_fit_is_a_bound_and_patience_may_end_it_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 20))  # seconds; the first is the start of the stage, in epoch 1
    monkeypatch.setattr("darlr.cli.terminal.run.time.monotonic", lambda: float(next(clock)))
    text = io.StringIO()
    with TerminalMonitor(3, Console(file=text, force_terminal=False, width=200, color_system=None)) as monitor:
        for epoch, loss in enumerate((0.9, 0.5, 0.6, 0.7), start=1):
            monitor.fitted(epoch, 7, loss)
    assert text.getvalue().splitlines() == [
        "world model: epoch 1 of at most 7, loss 0.9000",
        # One epoch took 40 s: five are left at most, three without a lower loss.
        "world model: epoch 2 of at most 7, loss 0.5000, at most 200 s left, about 120 s if the loss falls no further",
        # Two epochs took 60 s: four are left at most, two without a lower loss.
        "world model: epoch 3 of at most 7, loss 0.6000, at most 120 s left, about 60 s if the loss falls no further",
        # Three epochs took 80 s.
        "world model: epoch 4 of at most 7, loss 0.7000, at most 80 s left, about 27 s if the loss falls no further",
    ]


def test_the_bar_of_a_fit_says_at_most_and_that_of_the_policy_does_not() -> None:
    text = io.StringIO()
    with TerminalMonitor(5, Console(file=text, force_terminal=True, width=120, color_system=None)) as monitor:
        monitor.fitted(1, 100, 0.5)
        monitor._progress.refresh()
        fit = text.getvalue()
        monitor.learning(0, 5)
        text.truncate(0)
        monitor._progress.refresh()
        both = [line for line in text.getvalue().splitlines() if "0/5" in line]
    assert " at most " in fit
    assert both
    assert not any("at most" in line for line in both)


@pytest.mark.parametrize(("done", "told"), [(0, False), (3, False), (5, True)])
def test_a_finished_run_says_that_nothing_is_left_to_learn(done: int, told: bool) -> None:
    text = io.StringIO()
    with TerminalMonitor(5, Console(file=text, force_terminal=False, width=80, color_system=None)) as monitor:
        monitor.learning(done, 5)
    assert ("every epoch was learned before" in text.getvalue()) == told
