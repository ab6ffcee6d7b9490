"""Speed and memory of fitting the world model on large logs: `python -m benchmarks.large_logs`.

Files in KuaiRand-Pure's official format and with its published counts are generated first (`--keep FOLDER` keeps them for
the next time). Every case runs in its own process, on one thread, for one epoch, including its held-out rows:

- `size N`: batches of N on a tenth of the log's rows, over all of its users and items.
- `whole`: the whole log with the default fit, and its peak memory.
- `rows`: the memory of folds and two epochs' shuffles, besides network and batches, at KuaiRec's 12.5 million rows.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np
import torch

from benchmarks.loading import generate
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.registry import load
from darlr.world_model.fitting import fit_world_model, held_out_rows, resolve_batch_size
from darlr.world_model.model import Scale
from darlr.world_model.rows import Rows
from darlr.world_model.settings import WorldModelConfig

CPU = torch.device("cpu")
KUAIREC_ROWS, KUAIREC_USERS, KUAIREC_ITEMS = 12_530_806, 7_176, 10_728
SHARE = 10
CASES = ("size 256", "size 1024", "size 2048", "size 4096", "size 8192", "whole", "rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--keep", type=Path, help="where generated files are kept, and looked for (default: nowhere)")
    parser.add_argument("--one", help=argparse.SUPPRESS, choices=CASES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        data = options.keep or Path(temporary)
        if options.one:
            print(json.dumps(_measure(options.one, data)))
            return
        generate("kuairand", data / "kuairand")
        print(f"{'case':10} {'rows':>11} {'CPU s':>7} {'rows/s':>8} {'MiB before':>11} {'MiB at most':>12}")
        for name in options.cases:
            command = [sys.executable, "-m", "benchmarks.large_logs", "--one", name, "--keep", str(data)]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows, seconds, before, peak = json.loads(told)
            print(f"{name:10} {rows:11,} {seconds:7.1f} {rows / seconds:8,.0f} {before:11,.0f} {peak:12,.0f}", flush=True)


def _measure(name: str, data: Path) -> tuple[int, float, float, float]:
    """Return rows of the log, CPU seconds, and the process's peak memory before and after, in MiB."""
    torch.set_num_threads(1)
    if name == "rows":
        return _measure_rows()
    dataset, config = load(ExperimentConfig(dataset="kuairand"), data).dataset, replace(WorldModelConfig(), max_epochs=1)
    config = replace(config, batch_size=resolve_batch_size(config, len(dataset.log)))
    if name != "whole":
        chosen = np.random.default_rng(0).permutation(len(dataset.log))[: len(dataset.log) // SHARE]
        dataset = replace(dataset, log=dataset.log.rows(chosen))
        config = replace(config, batch_size=int(name.removeprefix("size ")))
    return _timed_fit(dataset, config)


def _timed_fit(dataset: Dataset, config: WorldModelConfig) -> tuple[int, float, float, float]:
    before, started = _peak_memory(), time.process_time()
    fit_world_model(dataset, config, 0, CPU)
    return len(dataset.log), time.process_time() - started, before, _peak_memory()


def _measure_rows() -> tuple[int, float, float, float]:
    """Measure a random log of KuaiRec's size; only the number of rows matters here."""
    random = np.random.default_rng(0)
    log = InteractionLog(
        users=random.integers(KUAIREC_USERS, size=KUAIREC_ROWS, dtype=np.int32),
        items=random.integers(KUAIREC_ITEMS, size=KUAIREC_ROWS, dtype=np.int32),
        rewards=random.random(KUAIREC_ROWS, dtype=np.float32),
        times=None,
        user_ids=np.arange(KUAIREC_USERS),
        item_ids=np.arange(KUAIREC_ITEMS),
        reward_range=(0.0, 1.0),
    )
    config, generator = WorldModelConfig(), torch.Generator().manual_seed(0)
    before, started = _peak_memory(), time.process_time()
    held_out = held_out_rows(config, KUAIREC_ROWS)
    rows = Rows.of(log, Scale.of(log.rewards, 0), "equal", config.members, held_out, generator, CPU)
    for _ in range(2):
        rows.epoch(generator)
    return KUAIREC_ROWS, time.process_time() - started, before, _peak_memory()


def _peak_memory() -> float:
    return getrusage(RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
