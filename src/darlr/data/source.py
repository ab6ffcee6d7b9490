"""Data sources, and the result of reading one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from darlr.config.experiment import ExperimentConfig
from darlr.data.completion.completing import Exposed
from darlr.data.completion.settings import CompletionConfig
from darlr.data.dataset import Dataset
from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official
from darlr.data.plausibility.findings import Findings
from darlr.data.settings import DataConfig
from darlr.data.truth import Truth
from darlr.errors import InputError


@dataclass(frozen=True)
class LoadedDataset:
    """A data set with the truth of its test world, if that is known.

    Learning gets `dataset` alone; `truth` is for evaluation and for the GT baseline.

    Attributes:
        counts: numbers counted while reading, under the labels of `Source.published`.
        test_rows: number of rows of the test file, as in the paper's Table 1; None if there is none.
        exposed: the ratings from which a truth can be completed, if none is published.
        findings: the reader's findings about its tables (`data.plausibility`).
    """

    dataset: Dataset
    truth: Truth | None
    counts: Mapping[str, int] = field(default_factory=dict)
    test_rows: int | None = None
    exposed: Exposed | None = None
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True)
class TableOne:
    """A data set's line in the paper's Table 1; densities in percent."""

    train_users: int
    train_items: int
    train_density: float
    test_users: int
    test_items: int
    test_density: float

    @property
    def train(self) -> str:
        """The training part of the line."""
        return f"{self.train_users:,} x {self.train_items:,}, {self.train_density:.3f}%"

    @property
    def test(self) -> str:
        """The test part of the line."""
        return f"{self.test_users:,} x {self.test_items:,}, {self.test_density:.3f}%"


@dataclass(frozen=True)
class Source:
    """A data set that darlr knows by name.

    Attributes:
        name: the value of `dataset`.
        description: one line.
        folder: its folder, relative to the data directory.
        official: the published files that darlr reads; empty for generated data.
        read: (config, folder, cache) -> the data; raises `InputError` for files that cannot be used.
        options: the keys of `DataConfig` that `read` supports.
        published: counts of the published files by label, for example "small_matrix.csv: rows".
        table_one: its line in the paper's Table 1.
        published_truth: the one of `official` that is its truth if `data.truth` is "published"; None if none is published.
        completion: how a truth is completed from the ratings that `read` returns as `exposed`.
    """

    name: str
    description: str
    folder: str
    official: tuple[Official, ...]
    read: Callable[[ExperimentConfig, Path, Cache], LoadedDataset]
    options: tuple[str, ...] = ()
    published: Mapping[str, int] = field(default_factory=dict)
    table_one: TableOne | None = None
    published_truth: Official | None = None
    completion: CompletionConfig = field(default_factory=CompletionConfig)

    def require_files(self, config: DataConfig, folder: Path) -> None:
        """Raise `InputError` for required files that `folder` lacks; a published truth is required only if it is used."""
        for official in self.official:
            unused = official is self.published_truth and config.truth != "published"
            if not unused and (missing := official.missing(folder)):
                way = f"get {official.archive} {official.advice} and put it there"
                raise InputError(
                    f"data set '{self.name}' is not complete: {', '.join(missing)} missing in {folder}; "
                    + (f"'darlr fetch {self.name}' downloads it, or {way}" if official.url is not None else way)
                )

    @property
    def licence(self) -> str:
        """The licences of its files."""
        return "; ".join(dict.fromkeys(official.licence for official in self.official)) or "none needed"

    @property
    def origin(self) -> str:
        """Where its files come from, in words for a user who has to get them."""
        return "; ".join(f"{official.archive}: {official.page}" for official in self.official) or "built in"

    def missing(self, data_dir: Path) -> tuple[str, ...]:
        """Return the files that the data directory has neither unpacked nor in an archive."""
        return tuple(name for official in self.official for name in official.missing(data_dir / self.folder))

    def require_options(self, config: DataConfig) -> None:
        """Raise `InputError` for an option that the data set does not have."""
        defaults = DataConfig()
        for key, value in vars(config).items():
            if value != getattr(defaults, key) and key not in self.options:
                choices = ", ".join(f"data.{name}" for name in self.options) or "no 'data' key"
                raise InputError(
                    f"config key 'data.{key}' is {value!r}, but data set '{self.name}' has no such choice; "
                    f"expected the default, {getattr(defaults, key)!r} (it reads {choices})"
                )

    def load(self, config: ExperimentConfig, folder: Path, cache: Cache) -> LoadedDataset:
        """Read the files in `folder`; a failed reading leaves nothing in the cache.

        Raises:
            InputError: for an option that the data set does not have, and for files that are missing or cannot be used.
        """
        self.require_options(config.data)
        self.require_files(config.data, folder)
        try:
            return self.read(config, folder, cache)
        except InputError as error:
            cache.discard_new()
            raise InputError(cache.as_packed(str(error))) from error

    def deviations(self, loaded: LoadedDataset) -> tuple[str, ...]:
        """Return a line for each count that differs from the published files, and for each file that is another version."""
        counts, hashes = loaded.counts, loaded.dataset.hashes
        counted = tuple(
            f"{label}: {counts[label]:,}; the published data set has {number:,}"
            for label, number in self.published.items()
            if label in counts and counts[label] != number
        )
        other = tuple(
            f"{file.archive}: SHA-256 {hashes[file.archive]}; the published file has {file.sha256}"
            for file in self.official
            if file.sha256 and hashes.get(file.archive, file.sha256) != file.sha256
        )
        return counted + other
