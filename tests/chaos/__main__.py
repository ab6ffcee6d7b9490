"""`python -m tests.chaos --kills 100`: kill train, sweep and tune with kill -9 at random moments, and report the results."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.killing import WORKS, ChaosError, disturb, undisturbed, warm_up

MOST_OF_ONE = 8
"""The largest number of kills of the same run, sweep or study."""


def main() -> None:
    """Print the numbers of kills and of passes, and every failure; exit code 1 if there is any."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=None)
    options.add_argument("--only", choices=[work.name for work in WORKS], action="append", help="this alone; may be repeated")
    chosen = options.parse_args()
    works = [work for work in WORKS if chosen.only is None or work.name in chosen.only]
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    draw = random.Random(seed)
    kills: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    broken, began = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="darlr-chaos-") as name:
        root = Path(name)
        warm_up(root / "warm")
        known = {}
        for place, work in enumerate(works):
            (root / f"undisturbed-{place}").mkdir()
            known[work.name] = undisturbed(work, root / f"undisturbed-{place}" / "out")
            print(f"{work.name}: {known[work.name][1]:.1f} s undisturbed", flush=True)
        number = 0
        while kills.total() < chosen.kills:
            work = works[number % len(works)]
            home = root / str(number)
            home.mkdir()
            most = min(MOST_OF_ONE, chosen.kills - kills.total())
            try:
                found = disturb(work, home / "out", *known[work.name], draw, most)
                kills[work.name] += found
                print(f"{time.monotonic() - began:.0f} s: {work.name}: {found} kills, the same in the end", flush=True)
            except ChaosError as error:
                broken += 1
                print(error, flush=True)
                if broken == MOST_OF_ONE:
                    break
            ended[work.name] += 1
            number += 1
    for work in works:
        print(f"  {work.name}: {kills[work.name]} kills, {ended[work.name]} brought to an end")
    print(f"tried {kills.total()} kills, {broken} did not hold, in {time.monotonic() - began:.0f} s (seed {seed})")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
