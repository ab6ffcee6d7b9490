"""Time and size of a report's page over 200 runs of 200 epochs: `python -m benchmarks.report`.

The run folders are made up. On KuaiRec and on Coat they have five methods and fifteen settings of DARLR one at a time
(Figure 5), with five seeds, and as many figures in each epoch as real runs record.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import numpy as np

from darlr.artifacts import RunFolder
from darlr.artifacts.beginning import Beginning
from darlr.artifacts.records import encode_record
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge, to_mapping, with_settings
from darlr.evaluation.summary import summarise

EPOCHS, SEEDS = 200, 5
METHODS = ("mbpo", "mopo", "dorl", "roler", "darlr")
VARIED = {
    "selector.references": (10, 30, 40),
    "selector.similarity_weight": (0.5, 2.0, 5.0),
    "selector.diversity_weight": (0.01, 0.05, 0.5),
    "reward.uncertainty_weight": (0.01, 0.5, 1.0),
    "reward.entropy_weight": (0.01, 0.5, 1.0),
}
LEAVE = {"kuairec": {"by": "category"}, "coat": {"by": "distance"}}
STATICS = ("uniform_random", "popular", "item_mean", "greedy_world_model", "truth_oracle")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="where the run folders and the page are kept (default: nowhere)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = options.keep or Path(temporary)
        runs = write_runs(place / "runs")
        command = [sys.executable, "-m", "darlr.cli.main", "report", str(place / "runs"), "--out", str(place / "page.html")]
        started = time.perf_counter()
        subprocess.run(command, check=True)
        wall, used = time.perf_counter() - started, getrusage(RUSAGE_CHILDREN)
        size, memory = (place / "page.html").stat().st_size / 1e6, used.ru_maxrss / 1024
        cpu = used.ru_utime + used.ru_stime
        print(f"{runs} runs of {EPOCHS} epochs: {wall:.1f} s (CPU {cpu:.1f} s), {memory:.0f} MiB, a page of {size:.2f} MB")


def write_runs(out: Path) -> int:
    """Make the run folders; returns how many there are."""
    generator = np.random.default_rng(0)
    count = 0
    for dataset, leave in LEAVE.items():
        for method, settings in _cells():
            level = generator.normal(70.0, 3.0)
            for seed in range(SEEDS):
                config = to_mapping(replace(ExperimentConfig(), dataset=dataset, method=method, seed=seed))
                config = merge(config, merge({"leave": leave, "training": {"epochs": EPOCHS}}, settings))
                path = out / dataset / method / f"{count}-s{seed}"
                with RunFolder.create(path, config, {"darlr": "0.1.0", "data": {}}) as folder:
                    records = list(_records(generator, level))
                    (path / "metrics.jsonl").write_text("".join(_lines(records, Beginning(path).checksum)))
                    statics = {name: {"nx_0": {"r_tra": 66.0 + place, "length": 20.0}} for place, name in enumerate(STATICS)}
                    everyone = {"every_user": {"nx_0": {"r_tra": level + seed / 10}}}
                    others = {"opponents": statics, "peak_memory_mib": 400.0 + seed, **everyone}
                    folder.write_summary(summarise(records) | others)
                count += 1
    return count


def _lines(records: Sequence[Mapping[str, Any]], chain: str | None) -> Iterator[str]:
    """The lines of a metrics.jsonl, written at once: a run's own way waits for the disk at every epoch."""
    for record in records:
        line, chain = encode_record(record, chain, "records")
        yield f"{line}\n"


def _cells() -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((method, {}) for method in METHODS)
    yield from (("darlr", with_settings({}, {key: value})) for key, values in VARIED.items() for value in values)


def _records(generator: np.random.Generator, level: float) -> Iterator[dict[str, Any]]:
    """Epochs whose returns rise to about `level`."""
    for epoch in range(1, EPOCHS + 1):
        record: dict[str, Any] = {"epoch": epoch, "steps": 100_000 * epoch}
        for mode in ("nx_0", "fb", "nx_10"):
            for policy in ("sampled", "greedy"):
                length = float(generator.uniform(15.0, 30.0))
                value = level * (1 - 0.3 * np.exp(-epoch / 20)) + float(generator.normal())
                shares = dict(zip(("mcd", "cv", "cv_turn"), generator.uniform(size=3).tolist(), strict=True))
                metrics = {"r_tra": value, "r_each": value / length, "length": length, **shares}
                record |= {f"{mode}/{policy}/{metric}": float(number) for metric, number in metrics.items()}
        names = (
            "error/table",
            "error/sampled",
            "simulator/sampled/r_tra",
            "simulator/sampled/length",
            "train/r_tra",
            "loss/policy",
        )
        record |= dict(zip(names, generator.uniform(size=len(names)).tolist(), strict=True))
        record |= {f"seconds/{phase}": float(generator.uniform(1.0, 5.0)) for phase in ("sampling", "learning", "testing")}
        yield record


if __name__ == "__main__":
    main()
