"""Draw the pictures of the pages into docs/figures: `python -m website.figures [NAME ...]`.

Each is drawn from runs that are trained for it (seeded, a minute of processor time in all) and kept in build/figures.
"""

import argparse
from importlib import import_module

from website.figures.style import styled, write
from website.repository import DOCS, ROOT

NAMES = ("adapting", "world_model", "belief", "leave_rule", "lists", "offline", "judging")


def main() -> None:
    """Draw the pictures that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m website.figures", description="Draw the pictures of the pages.")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which pictures; all if none is named")
    for name in parser.parse_args().names or NAMES:
        with styled():
            write(import_module(f"website.figures.{name}").draw(ROOT / "build" / "figures"), DOCS / "figures" / f"{name}.svg")
        print(f"docs/figures/{name}.svg")


if __name__ == "__main__":
    main()
