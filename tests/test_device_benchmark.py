"""`python -m benchmarks.device`: its output, and its refusal to work without the device."""

import re

import pytest
import torch
from benchmarks.device import main


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch finds a CUDA device here")
def test_without_a_gpu_it_ends_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert re.fullmatch(r"benchmarks\.device: torch finds no CUDA device here; --device cpu .*\n", told.err)


@pytest.mark.slow
def test_the_cpu_agrees_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--device", "cpu", "--methods", "ucb", "--users", "200", "--items", "60", "--rows", "3000"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert re.search(r"^contract of ucb .* kept$", told, re.MULTILINE)
    assert re.search(r"^fits: .* by 0 \(allowed: 0\.001\)$", told, re.MULTILINE)
    for what in ("fit, seconds", "mbpo, steps/s", "bayes-adaptive, steps/s", "batch recommendation, users/s"):
        assert re.search(rf"^{what} +[\d.,]+ +[\d.,]+$", told, re.MULTILINE), what
