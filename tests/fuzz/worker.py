"""A process with bounded memory that works on fuzz cases; it prints a JSON line for each case as it ends."""

import json
import random
import shutil
import sys
from pathlib import Path

import torch

from tests.fuzz.oracle import BrokenError, hold, limit_memory
from tests.fuzz.targets import Target, targets


def main() -> None:
    """Run cases; arguments: seed, first case, step, scratch folder, folder of the finished run. It ends when it is killed."""
    seed, first, step = map(int, sys.argv[1:4])
    scratch, home = Path(sys.argv[4]), Path(sys.argv[5])
    torch.set_num_threads(1)
    found = targets(home)
    limit_memory()
    number = first
    while True:
        target = found[number % len(found)]
        print(json.dumps({"case": number, "target": target.name, "begins": True}), flush=True)
        print(json.dumps({"case": number, "target": target.name, "ended": attempt(target, seed, number, scratch)}), flush=True)
        number += step


def attempt(target: Target, seed: int, number: int, scratch: Path) -> str:
    """Return how the case `number` of a target ended; the same for the same seed."""
    folder = scratch / f"case-{number}"
    folder.mkdir(parents=True)
    try:
        call = target.case(random.Random(f"{seed} {target.name} {number}"), folder)
        return hold(call)
    except BrokenError as error:
        return f"broken: {error}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
