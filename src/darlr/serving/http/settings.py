"""The settings of a service, as plain values that worker processes get as JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from darlr.errors import InputError

NO_SESSIONS = "none"
MEMORY = "memory"


@dataclass(frozen=True)
class ServiceSettings:
    """The options of `darlr serve`.

    Attributes:
        run: a run folder, a link to one, or a file that names one.
        new_items: a table of items; those that the log lacks are ranked, too; "" for none.
        data_dir: the folder of data sets, for runs of darlr 0.2; "" for the default.
        sessions: "memory", "none", or the address of a Redis, for example redis://host:6379/0.
        most_sessions: largest number of sessions in memory.
        session_seconds: seconds after its last use at which a session expires.
        keys: a file of API keys; "" for none, so that every client may send requests.
        most_bytes: largest number of bytes of a request's body.
        most_requests: largest number of requests in one body.
        most_count: largest number of items in an answer.
        timeout: seconds in which a request has to arrive and be answered.
        watch: seconds between two looks at `run`; 0: only on request.
        signals: a folder that workers share, in which one signals the others to load the run anew; "" for one worker.
        threads: number of torch's threads.
    """

    run: str
    new_items: str = ""
    data_dir: str = ""
    sessions: str = MEMORY
    most_sessions: int = 100_000
    session_seconds: int = 3_600
    keys: str = ""
    most_bytes: int = 1 << 20
    most_requests: int = 1_000
    most_count: int = 1_000
    timeout: float = 10.0
    watch: float = 1.0
    signals: str = ""
    threads: int = 1

    def __post_init__(self) -> None:
        least: dict[str, float] = dict.fromkeys(
            ("most_sessions", "session_seconds", "most_bytes", "most_requests", "most_count", "threads"), 1
        )
        for name, bound in {**least, "timeout": 0.001, "watch": 0}.items():
            if not getattr(self, name) >= bound:
                raise InputError(f"{name.replace('_', '-')} is {getattr(self, name)}; expected at least {bound:g}")
        if self.sessions not in (MEMORY, NO_SESSIONS) and not self.sessions.startswith(("redis://", "rediss://", "unix://")):
            raise InputError(f"sessions is '{self.sessions}'; expected memory, none or redis://HOST:PORT/NUMBER")

    def encoded(self) -> str:
        """Return the settings as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def decoded(cls, text: str) -> Self:
        """Return the settings in a JSON text."""
        return cls(**json.loads(text))
