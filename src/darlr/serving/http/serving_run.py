"""The run that is served now, and the change to another one while requests are running."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread

from darlr.artifacts.beginning import CONFIG
from darlr.artifacts.pointer import pointed
from darlr.errors import DarlrError, InputError
from darlr.serving.catalogue import with_catalogue
from darlr.serving.http.logs import FIELDS
from darlr.serving.http.metrics import Metrics
from darlr.serving.http.settings import ServiceSettings
from darlr.serving.messages import ANYBODY
from darlr.serving.recommender import Recommender

SIGNAL = "reload"
Version = tuple[str, int, int, int]
"""The run's folder, the times at which its policy and the table of new items were written, and the time of the last signal
to load it.
"""


def run_named_by(place: Path) -> Path:
    """Return the run folder that `place` is, links to, or points to (`artifacts/pointer.py`).

    Raises:
        InputError: if there is none.
    """
    try:
        resolved = pointed(place).resolve(strict=True)
    except OSError as error:
        raise InputError(f"{place}: no such run folder ({error.strerror})") from error
    except RuntimeError as error:  # raised by Python before 3.13 for a link to itself
        raise InputError(f"{place}: no such run folder ({error})") from error
    if not (resolved / CONFIG).is_file():
        raise InputError(f"{place}: not a darlr run ({CONFIG} missing)")
    return resolved


class ServingRun:
    """Holds the recommender. A request that has taken it keeps it to its end, whatever is loaded in the meantime."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics, logger: logging.Logger) -> None:
        self._settings, self._metrics, self._logger = settings, metrics, logger
        self._loading = asyncio.Lock()
        self._version = self._found()
        self.recommender = self._load()

    @property
    def name(self) -> str:
        """The run's folder name: the hash of its settings, and its seed."""
        return self.recommender.path.name

    async def reload(self) -> str:
        """Load and serve the run that the pointer names now, and signal other workers to do the same.

        Raises:
            InputError: for a run that cannot be served.
        """
        if self._settings.signals:
            (Path(self._settings.signals) / SIGNAL).touch()
        await self._change(self._found())
        return self.name

    async def watch(self) -> None:
        """Look at the pointer regularly, and change to the run that it names; a run that cannot be served changes nothing."""
        refused: Version | None = None
        while True:
            await asyncio.sleep(self._settings.watch)
            try:
                found = await anyio.to_thread.run_sync(self._found)
                if found not in (self._version, refused):
                    refused = found
                    await self._change(found)
            except DarlrError:
                continue  # already reported
            except Exception:  # the folder is being written or removed; watching has to continue
                self._logger.exception("looking for a newer run failed")

    async def _change(self, found: Version) -> None:
        async with self._loading:
            before = self.name
            try:
                recommender = await anyio.to_thread.run_sync(self._load)
            except DarlrError as error:
                self._metrics.reloads.labels("refused").inc()
                self._tell("reload refused", logging.ERROR, {"run": before, "reason": str(error)})
                raise
            self.recommender, self._version = recommender, found
            self._metrics.reloads.labels("done").inc()
            self._tell("reloaded", logging.INFO, {"run": self.name, "before": before})

    def _found(self) -> Version:
        folder = run_named_by(Path(self._settings.run))
        told = Path(self._settings.signals) / SIGNAL
        signal = told.stat().st_mtime_ns if self._settings.signals and told.exists() else 0
        files = folder / "policy.safetensors", Path(self._settings.new_items or folder)
        policy, items = (file.stat().st_mtime_ns if file.is_file() else 0 for file in files)
        return str(folder), policy, items, signal

    def _load(self) -> Recommender:
        """Return the recommender, which has answered once, so that the first client need not wait for lazy initialisation."""
        data_dir = Path(self._settings.data_dir) if self._settings.data_dir else None
        recommender = Recommender.load(run_named_by(Path(self._settings.run)), data_dir=data_dir)
        if self._settings.new_items:
            recommender = with_catalogue(recommender, Path(self._settings.new_items))
        for notice in recommender.notices:
            self._tell("notice", logging.WARNING, {"reason": notice})
        recommender.recommend([ANYBODY])
        return recommender

    def _tell(self, event: str, level: int, fields: Mapping[str, object]) -> None:
        self._logger.log(level, event, extra={FIELDS: dict(fields)})
