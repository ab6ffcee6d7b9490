"""`python -m tests.official_files NAME OUT`: write a data set in its official format, `--full` with the published counts."""

import argparse
from collections.abc import Callable
from pathlib import Path

from tests.official_files import archives, kuairand, kuairec

WRITERS: dict[str, tuple[Callable[[Path, int, bool], object], str, Callable[[Path, Path], Path], str]] = {
    "kuairec": (
        lambda out, seed, full: kuairec.write_kuairec(out, kuairec.FULL if full else kuairec.TINY, seed),
        kuairec.ROOT,
        archives.pack_zip,
        "KuaiRec.zip",
    ),
    "kuairand": (
        lambda out, seed, full: kuairand.write_kuairand(out, kuairand.FULL if full else kuairand.TINY, seed),
        kuairand.ROOT,
        archives.pack_tar,
        "KuaiRand-Pure.tar.gz",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.official_files", description=__doc__)
    parser.add_argument("name", choices=WRITERS)
    parser.add_argument("out", type=Path, help="folder to write into; the data set's own root is made in it")
    parser.add_argument("--full", action="store_true", help="with the published counts")
    parser.add_argument("--archive", action="store_true", help="pack the official archive, too")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    write, root, pack, archive = WRITERS[chosen.name]
    chosen.out.mkdir(parents=True, exist_ok=True)
    write(chosen.out, chosen.seed, chosen.full)
    print(chosen.out / root)
    if chosen.archive:
        print(pack(chosen.out / root, chosen.out / archive))


if __name__ == "__main__":
    main()
