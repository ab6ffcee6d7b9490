"""The targets of fuzzing: how a damaged input is made, and the code that reads it."""

import io
import json
import random
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import yaml

from darlr.api.dataset import Dataset
from darlr.api.run import Run
from darlr.artifacts import RunFolder, read_tensors, write_tensors
from darlr.artifacts.records import CHAIN
from darlr.artifacts.run_folder import SUMMARY
from darlr.cli.settings import settings_of
from darlr.config.loading import to_mapping
from darlr.data.origin.archives import Wanted, unpack
from darlr.data.registry import available, load
from darlr.data.source import LoadedDataset
from darlr.data.statistics import describe
from darlr.methods.experiment import experiment_config
from darlr.report.analysis.runs import collect, to_long_csv
from darlr.report.page.page import page
from darlr.report.rendering.tables import tables_of
from darlr.serving.answers import format_answers
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from darlr.serving.requests import read_requests
from darlr.testing.planted import PLANTED
from tests.data.folders import FILES, write_folder
from tests.fuzz import mutating
from tests.fuzz.oracle import BrokenError
from tests.runs import train_small, write_planted_world

UNTOLD: Mapping[str, Any] = {"dataset": PLANTED, "training": {"epochs": 2}, "evaluation": {"held_out": 0.3}}
"""Settings of a run that is judged by the log alone."""

Case = Callable[[random.Random, Path], Callable[[], Any]]
"""Makes a damaged input in an empty folder; the result is a function that reads it."""


@dataclass(frozen=True)
class Target:
    """A kind of input."""

    name: str
    case: Case


def targets(home: Path) -> list[Target]:
    """Return all targets.

    Some need the files that the first call writes into `home`, and that workers only read: a valid folder, and two small
    finished runs, one with a truth and one without.
    """
    run = _run_in(home / "told", {"training": {"epochs": 2}})
    untold = _run_in(home / "untold", UNTOLD)
    recommender, honest = Recommender.load(run), shown(run)
    plain = home / "honest"
    expected = numbers(read(plain if plain.exists() else write_folder(plain)))
    return [
        Target("folder", _folder),
        Target("same folder", lambda draw, folder: _same_folder(draw, folder, expected)),
        Target("parquet", _parquet),
        Target("frames", _frames),
        Target("yaml", _yaml),
        Target("settings", _settings),
        Target("requests", lambda draw, folder: _requests(draw, folder, recommender)),
        Target("run bytes", lambda draw, folder: _run_bytes(draw, folder, run, honest)),
        Target("run values", lambda draw, folder: _run_values(draw, folder, draw.choice((run, untold)))),
        Target("run tensors", lambda draw, folder: _run_tensors(draw, folder, run)),
        Target("archive", _archive),
    ]


def _run_in(folder: Path, settings: Mapping[str, Any]) -> Path:
    found = list(folder.rglob("summary.json"))
    if found:
        return found[0].parent
    return train_small(folder, settings, write_planted_world(folder / "data" / PLANTED, truth=False).parent).path


def read(folder: Path) -> LoadedDataset:
    """Read a data set in the folder format, and describe it as `darlr check` does."""
    loaded = load(experiment_config({"dataset": str(folder)}), None)
    describe(loaded)
    return loaded


def numbers(loaded: LoadedDataset) -> dict[str, Any]:
    """Return the content of a data set by raw ids, independent of the order of its rows and columns."""
    log, truth = loaded.dataset.log, loaded.truth
    times = np.zeros(len(log)) if log.times is None else log.times
    rows = zip(log.user_ids[log.users], log.item_ids[log.items], log.rewards.tolist(), times.tolist(), strict=True)
    names = loaded.dataset.items.category_names
    categories = {
        str(raw): sorted(names[code] for code in codes if code >= 0)
        for raw, codes in zip(log.item_ids, loaded.dataset.items.categories.tolist(), strict=True)
    }
    return {
        "rows": sorted(map(str, rows)),
        "categories": categories,
        "truth": None if truth is None else sorted(truth.rewards.ravel().tolist()),
        "range": log.reward_range,
    }


def _folder(draw: random.Random, folder: Path) -> Callable[[], Any]:
    name = draw.choice([*FILES, *FILES, "dataset.yaml"])
    given = FILES[name]
    chance = draw.random()
    if chance < 0.15:
        changed: str | bytes = mutating.content(draw, given.encode())
    else:
        changed = (mutating.text if name.endswith(".yaml") else mutating.table)(draw, given)
    if isinstance(changed, str):
        changed = changed.encode("utf-8", "surrogatepass")
    write_folder(folder, **{name.split(".", maxsplit=1)[0]: changed})
    return lambda: read(folder)


def _same_folder(draw: random.Random, folder: Path, expected: Mapping[str, Any]) -> Callable[[], Any]:
    """Changes without meaning, after which the numbers have to be the same."""
    changed: dict[str, str | bytes] = {}
    for name in ("interactions", "items", "users", "truth"):
        header, *rows = FILES[f"{name}.csv"].strip().split("\n")
        if name != "interactions":
            draw.shuffle(rows)
        cells = [line.split(",") for line in [header, *rows]]
        order = list(range(len(cells[0])))
        if draw.random() < 0.5:
            draw.shuffle(order)
        quote = draw.random() < 0.3
        lines = [",".join(f'"{line[place]}"' if quote and line[place] else line[place] for place in order) for line in cells]
        end = draw.choice(("\n", "\r\n"))
        text = draw.choice(("", "\ufeff")) + end.join(lines) + draw.choice(("", end))
        changed[name] = text.encode()
    write_folder(folder, **changed)

    def call() -> None:
        found = numbers(read(folder))
        if found != expected:
            raise BrokenError(f"reads {found}; expected {expected}")

    return call


_COLUMNS: tuple[Callable[[random.Random, int], Any], ...] = (
    lambda draw, n: pl.Series([draw.randint(-3, 9) for _ in range(n)]),
    lambda draw, n: pl.Series([draw.choice((1.0, 2.5, float("nan"), float("inf"), None)) for _ in range(n)]),
    lambda draw, n: pl.Series([draw.choice(mutating.NASTY) for _ in range(n)], dtype=pl.String),
    lambda draw, n: pl.Series([draw.choice("abc") for _ in range(n)], dtype=pl.Categorical),
    lambda draw, n: pl.Series([draw.choice("123") for _ in range(n)], dtype=pl.Enum(["1", "2", "3"])),
    lambda draw, n: pl.Series([None] * n),
    lambda draw, n: pl.Series([draw.random() < 0.5 for _ in range(n)]),
    lambda draw, n: pl.Series([[1, 2]] * n),
    lambda draw, n: pl.Series([{"a": 1}] * n),
    lambda draw, n: pl.Series([draw.randint(0, 99) for _ in range(n)]).cast(draw.choice((pl.UInt8, pl.Int16, pl.Float32))),
    lambda draw, n: pl.Series([draw.randint(0, 99) for _ in range(n)]).cast(pl.Date),
    lambda draw, n: pl.Series([draw.randint(0, 99) for _ in range(n)]).cast(pl.Datetime(draw.choice(("ms", "us", "ns")))),
    lambda draw, n: pl.Series([draw.randint(0, 99) for _ in range(n)]).cast(pl.Duration("ms")),
    lambda draw, n: pl.Series([draw.randint(0, 99) for _ in range(n)]).cast(pl.Time),
    lambda draw, n: pl.Series([draw.randint(0, 99) for _ in range(n)]).cast(pl.Decimal(10, 2)),
    lambda draw, n: pl.Series([draw.randbytes(2) for _ in range(n)], dtype=pl.Binary),
)


def _spoiled(draw: random.Random, name: str) -> pl.DataFrame:
    """A table of the example data set with some columns of another kind, others or none."""
    table = pl.read_csv(io.BytesIO(FILES[f"{name}.csv"].encode()))
    for _ in range(draw.randint(1, 2)):
        column = draw.choice([*table.columns, "more", "", "timestamp"])
        chance = draw.random()
        if chance < 0.1 and column in table.columns:
            table = table.drop(column)
        elif chance < 0.2 and column in table.columns:
            # A frame has no two columns of one name.
            names = [name for name in ("User_ID", "item", "categories", "reward ", "x") if name not in table.columns]
            table = table.rename({column: draw.choice(names)}, strict=False)
        elif chance < 0.3:
            table = table.head(draw.randint(0, 1))
        else:
            table = table.with_columns(draw.choice(_COLUMNS)(draw, len(table)).alias(column))
        if len(set(table.columns)) < len(table.columns):
            break
    return table


def _parquet(draw: random.Random, folder: Path) -> Callable[[], Any]:
    write_folder(folder)
    name = draw.choice(("interactions", "items", "users", "truth"))
    settings = folder / "dataset.yaml"
    settings.write_text(settings.read_text().replace(f"{name}.csv", f"{name}.parquet"))
    content = io.BytesIO()
    _spoiled(draw, name).write_parquet(content)
    spoiled = draw.random() < 0.2
    (folder / f"{name}.parquet").write_bytes(mutating.content(draw, content.getvalue()) if spoiled else content.getvalue())
    return lambda: read(folder)


def _frames(draw: random.Random, folder: Path) -> Callable[[], Any]:
    tables: dict[str, Any] = {
        name: pl.read_csv(io.BytesIO(FILES[f"{name}.csv"].encode())) for name in ("interactions", "items", "users", "truth")
    }
    name = draw.choice(list(tables))
    tables[name] = _spoiled(draw, name)
    log = tables.pop("interactions")
    options: dict[str, Any] = {"feedback": "ratings", "minimum": 1, "maximum": 5}
    if draw.random() < 0.3:
        options[draw.choice((*options, "name", "repeats", "missing_truth", "leave"))] = draw.choice(mutating.VALUES)
    return lambda: Dataset.from_frames(log, **tables, **options).describe()


OPTIONAL: Mapping[str, Any] = {
    "name": "mine",
    "licence": "free",
    "log": {"repeats": "last"},
    "leave": {"by": "auto", "window": 4, "tolerance": 0, "max_steps": 30},
    "features": {"coded": ["maker"], "ignored": []},
}
"""Optional parts of a dataset.yaml, so that some changes leave it valid."""


def _yaml(draw: random.Random, folder: Path) -> Callable[[], Any]:
    """A dataset.yaml with other values, which `darlr datasets` reads, too."""
    given = {**yaml.safe_load(FILES["dataset.yaml"]), **OPTIONAL}
    changed = mutating.value(draw, given)
    try:
        text = yaml.safe_dump(changed, allow_unicode=draw.random() < 0.5)
    except yaml.YAMLError:
        text = json.dumps(changed)
    write_folder(
        folder / "own", dataset=(mutating.text(draw, text) if draw.random() < 0.3 else text).encode("utf-8", "replace")
    )

    def call() -> None:
        available(folder)
        read(folder / "own")

    return call


def _settings(draw: random.Random, folder: Path) -> Callable[[], Any]:
    """A file for `--config`, and some `--set`."""
    values = mutating.value(draw, to_mapping(experiment_config({})))
    text = yaml.safe_dump(values, allow_unicode=True)
    if draw.random() < 0.3:
        text = mutating.text(draw, text)
    (folder / "own.yaml").write_bytes(text.encode("utf-8", "replace"))
    key = draw.choice(
        ("training.epochs", "a2c.discount", "world_model.hidden_sizes", "seed", "leave", draw.choice(mutating.NASTY))
    )
    pairs = (f"{key}={draw.choice(mutating.NASTY)}",) if draw.random() < 0.5 else ()
    return lambda: experiment_config(settings_of(folder / "own.yaml", pairs))


def _requests(draw: random.Random, folder: Path, recommender: Recommender) -> Callable[[], Any]:
    users, items = recommender.user_ids.tolist(), recommender.item_ids.tolist()
    rows = [(draw.choice(users), draw.choice(items), draw.randint(1, 5)) for _ in range(draw.randint(1, 4))]
    if draw.random() < 0.5:
        path = folder / "requests.csv"
        text = mutating.table(draw, "user_id,item_id,reward\n" + "\n".join(",".join(map(str, row)) for row in rows))
    else:
        path = folder / "requests.json"
        text = json.dumps(
            mutating.value(draw, [{"user": user, "items": [item], "rewards": [paid]} for user, item, paid in rows])
        )
        text = mutating.text(draw, text) if draw.random() < 0.2 else text
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    def call() -> None:
        requests = read_requests(path, recommender.user_ids, recommender.item_ids)
        answers = recommender.recommend(requests, 3)
        for kind in ("csv", "json"):
            format_answers(answers, kind)

    return call


def _copy(run: Path, folder: Path) -> Path:
    copy = folder / run.name
    shutil.copytree(run, copy)
    return copy


def shown(run: Path) -> tuple[Any, ...]:
    """Return a run's own description."""
    folder = RunFolder.open(run)
    return folder.read_summary(), folder.metrics(), folder.config(), folder.environment()


def _report(run: Path) -> None:
    collection = collect([run])
    tables_of(collection, frozenset())
    to_long_csv(collection)
    page(collection, frozenset())


def _look(run: Path) -> None:
    opened = Run.open(run)
    repr(opened)
    opened.tables()


def _serve(run: Path) -> None:
    Recommender.load(run).recommend([Request()], 3)


_USES = (_report, _look, _serve)
"""All code that shows or uses a finished run; a case tries one of them, so there are three times as many cases."""


def _run_bytes(draw: random.Random, folder: Path, run: Path, honest: tuple[Any, ...]) -> Callable[[], Any]:
    """A damaged file in an otherwise unchanged run: the output has to be the truth or nothing."""
    copy = _copy(run, folder)
    file = draw.choice(sorted(path for path in copy.iterdir() if path.suffix in (".json", ".jsonl", ".yaml", ".safetensors")))
    before = file.read_bytes()
    if draw.random() < 0.1:
        file.unlink()
    else:
        file.write_bytes(mutating.content(draw, before))

    use = draw.choice(_USES)

    def call() -> None:
        use(copy)
        if shown(copy) != honest:
            raise BrokenError(f"shows other numbers after {file.name} was changed")

    return call


def _run_values(draw: random.Random, folder: Path, run: Path) -> Callable[[], Any]:
    """JSON of a run with other values and the right checksums, so that only its shape can be wrong."""
    copy = RunFolder.open(_copy(run, folder))
    if draw.random() < 0.7:
        copy.write_summary(_object(mutating.value(draw, copy.read_summary())))
    else:
        records = [_object(mutating.value(draw, record)) for record in copy.metrics()]
        summary = copy.read_summary()
        lines = (json.dumps({key: part for key, part in record.items() if key != CHAIN}) for record in records if record)
        for name in ("environment.json", f"{SUMMARY}.json"):
            values = json.loads((copy.path / name).read_text())
            plain = {key: part for key, part in values.items() if key not in ("checksum", "config_checksum", CHAIN)}
            (copy.path / name).write_text(json.dumps(plain if name == "environment.json" else summary))
        (copy.path / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
    use = draw.choice(_USES)
    return lambda: use(copy.path)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value}


def _run_tensors(draw: random.Random, folder: Path, run: Path) -> Callable[[], Any]:
    """Tensors and states of a run with other shapes, types and values, and the right checksum."""
    copy = _copy(run, folder)
    file = draw.choice(sorted(copy.glob("[pw]*.safetensors")))
    tensors, state = read_tensors(file)
    for _ in range(draw.randint(1, 2)):
        if draw.random() < 0.4:
            state = _object(mutating.value(draw, state))
            continue
        name = draw.choice(sorted(tensors))
        tensors[name] = draw.choice(_TENSORS)(tensors[name])
        if draw.random() < 0.2:
            tensors[draw.choice(("more", "policy.more", *sorted(tensors)))] = tensors.pop(name)
    write_tensors(file, tensors, json.loads(json.dumps(state)))
    return lambda: Recommender.load(copy).recommend([Request()], 3)


_TENSORS: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
    lambda tensor: tensor.double(),
    lambda tensor: tensor.int(),
    lambda tensor: tensor.bool(),
    lambda tensor: tensor.unsqueeze(0),
    lambda tensor: tensor.flatten(),
    lambda tensor: tensor[:0] if tensor.dim() else tensor.reshape(1)[:0],
    lambda tensor: tensor[:1].clone() if tensor.dim() else tensor,
    lambda tensor: torch.cat([tensor, tensor]) if tensor.dim() else tensor,
    lambda tensor: tensor.transpose(0, -1).contiguous() if tensor.dim() else tensor,
    lambda tensor: torch.full_like(tensor, 127) if tensor.dtype != torch.bool else ~tensor,
    lambda tensor: torch.full_like(tensor, torch.nan) if tensor.is_floating_point() else torch.full_like(tensor, -1),
    lambda tensor: torch.full_like(tensor, torch.inf) if tensor.is_floating_point() else torch.zeros_like(tensor),
)


def _archive(draw: random.Random, folder: Path) -> Callable[[], Any]:
    """A zip or tar archive with odd members, or with damaged bytes."""
    names = [
        "data/a.csv",
        "data/b.csv",
        "c.csv",
        *(draw.choice(("../x", "/x", "data/../a.csv", "a.csv", *mutating.NASTY)) for _ in "ab"),
    ]
    draw.shuffle(names)
    content = io.BytesIO()
    suffix = draw.choice((".zip", ".tar", ".tar.gz", ".tgz"))
    if suffix == ".zip":
        with zipfile.ZipFile(content, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as packed:
            for name in names:
                if name and name.isprintable():
                    packed.writestr(name, b"0" * draw.choice((0, 10, 100_000)))
    else:
        with tarfile.open(fileobj=content, mode="w" if suffix == ".tar" else "w:gz") as packed_tar:
            for name in names:
                member = tarfile.TarInfo(name.replace("\x00", ""))
                member.type = draw.choice(
                    (tarfile.REGTYPE,) * 4 + (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
                )
                member.linkname = draw.choice(("", "../../x", "a.csv"))
                member.size = 10 if member.type == tarfile.REGTYPE else 0
                packed_tar.addfile(member, io.BytesIO(b"0" * 10))
    archive = folder / f"files{suffix}"
    spoiled = draw.random() < 0.6
    archive.write_bytes(mutating.content(draw, content.getvalue()) if spoiled else content.getvalue())
    into = folder / "into"
    into.mkdir()

    def call() -> None:
        try:
            unpack(archive, Wanted("data", ["a.csv"], ["b.csv"]), into)
        finally:
            strange = [path for path in folder.rglob("*") if path.is_symlink() or (path.is_file() and path.name == "x")]
            if strange:
                raise BrokenError(f"unpacks {strange[0].relative_to(folder)}")

    return call
