"""`python -m tests.official_files NAME OUT`: write a data set in its official format; `--full` gives the published counts."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.official_files import archives, coat, kuairand, kuairec, movielens, open_bandit, yahoo


@dataclass(frozen=True)
class Format:
    """How a data set is written: (folder, full, seed) -> anything; its root; its archive, and the format of the archive."""

    write: Callable[[Path, bool, int], object]
    root: str
    archive: str
    pack: Callable[[Path, Path], Path]


FORMATS: Mapping[str, Format] = {
    "kuairec": Format(
        lambda out, full, seed: kuairec.write_kuairec(out, kuairec.FULL if full else kuairec.TINY, seed),
        kuairec.ROOT,
        "KuaiRec.zip",
        archives.pack_zip,
    ),
    "kuairand": Format(
        lambda out, full, seed: kuairand.write_kuairand(out, kuairand.FULL if full else kuairand.TINY, seed),
        kuairand.ROOT,
        "KuaiRand-Pure.tar.gz",
        archives.pack_tar,
    ),
    "yahoo": Format(
        lambda out, full, seed: yahoo.write_yahoo(out, yahoo.FULL if full else yahoo.TINY, seed),
        yahoo.ROOT,
        "Webscope_R3.tgz",
        archives.pack_tar,
    ),
    "coat": Format(lambda out, full, seed: coat.write_coat(out, seed), coat.ROOT, "coat.zip", archives.pack_zip),
    "movielens-100k": Format(
        lambda out, full, seed: movielens.write_100k(out, movielens.FULL_100K if full else movielens.TINY, seed),
        movielens.ROOT_100K,
        "ml-100k.zip",
        archives.pack_zip,
    ),
    "movielens-1m": Format(
        lambda out, full, seed: movielens.write_1m(out, movielens.FULL_1M if full else movielens.TINY_1M, seed),
        movielens.ROOT_1M,
        "ml-1m.zip",
        archives.pack_zip,
    ),
    "open-bandit-random": Format(
        lambda out, full, seed: open_bandit.write_open_bandit(
            out, "random", open_bandit.FULL["random"] if full else open_bandit.TINY, seed
        ),
        open_bandit.root_of("random"),
        "open_bandit_dataset.zip",
        lambda folder, archive: archives.pack_zip(folder.parents[1], archive),
    ),
    "open-bandit-bts": Format(
        lambda out, full, seed: open_bandit.write_open_bandit(
            out, "bts", open_bandit.FULL["bts"] if full else open_bandit.TINY, seed
        ),
        open_bandit.root_of("bts"),
        "open_bandit_dataset.zip",
        lambda folder, archive: archives.pack_zip(folder.parents[1], archive),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.official_files", description=__doc__)
    parser.add_argument("name", choices=FORMATS)
    parser.add_argument("out", type=Path, help="folder to write into; the data set's own root is made in it")
    parser.add_argument("--full", action="store_true", help="with the published counts (coat has one size)")
    parser.add_argument("--archive", action="store_true", help="pack the official archive, too")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    made = FORMATS[chosen.name]
    chosen.out.mkdir(parents=True, exist_ok=True)
    made.write(chosen.out, chosen.full, chosen.seed)
    print(chosen.out / made.root)
    if chosen.archive:
        print(made.pack(chosen.out / made.root, chosen.out / made.archive))


if __name__ == "__main__":
    main()
