"""The handling of requests: sessions are looked up, and the recommender answers."""

from dataclasses import replace

import anyio
import anyio.to_thread

from darlr.serving.answers import plain_answer
from darlr.serving.http.bodies import feedback_of, recommend_of
from darlr.serving.http.metrics import Metrics
from darlr.serving.http.refusals import RefusedError
from darlr.serving.http.serving_run import ServingRun
from darlr.serving.http.sessions import Sessions
from darlr.serving.http.settings import ServiceSettings
from darlr.serving.messages import Answer, Request

AT_ONCE = 8
"""The number of requests in a body that are answered in the event loop; more would delay other clients."""
THREADS = 2


class Service:
    """Answers bodies with plain values."""

    def __init__(self, settings: ServiceSettings, run: ServingRun, sessions: Sessions | None, metrics: Metrics) -> None:
        """
        Args:
            settings: the settings.
            run: the served run.
            sessions: the sessions; None if none are kept.
            metrics: counts answers.
        """
        self._settings, self._run, self._sessions, self._metrics = settings, run, sessions, metrics
        self._threads = anyio.CapacityLimiter(THREADS)

    async def recommend(self, body: bytes) -> dict[str, object]:
        """Answer a body of /recommend.

        Raises:
            InputError: for a body that cannot be used.
            RefusedError: if sessions are not available.
        """
        asked = recommend_of(body, self._settings.most_requests, self._settings.most_count)
        requests = [
            request if session is None else await self._within(session, request)
            for request, session in zip(asked.requests, asked.sessions, strict=True)
        ]
        recommender = self._run.recommender

        def answer() -> list[Answer]:
            return recommender.recommend(requests, **asked.options)

        light = len(requests) <= AT_ONCE and not asked.options.get("diversify") and not asked.options.get("explain")
        answers = answer() if light else await anyio.to_thread.run_sync(answer, limiter=self._threads)
        self._metrics.lists.inc(len(answers))
        return {"run": recommender.path.name, "answers": list(map(plain_answer, answers))}

    async def feedback(self, body: bytes) -> dict[str, object]:
        """Store a body of /feedback in its session.

        Raises:
            InputError: for a body that cannot be used, items that the log lacks, and rewards outside the range.
            RefusedError: if sessions are not available.
        """
        session, told = feedback_of(body)
        self._run.recommender.understood(1, told, "error")
        given = list(zip(told.items, told.rewards, strict=True))
        kept = await self._kept().add(session, given)
        self._metrics.feedback.inc(len(given))
        self._metrics.sessions.set(len(self._kept()))
        return {"session": session, "answers": kept}

    async def _within(self, session: str, request: Request) -> Request:
        given = await self._kept().answers(session)
        return replace(request, items=tuple(item for item, _ in given), rewards=tuple(reward for _, reward in given))

    def _kept(self) -> Sessions:
        if self._sessions is None:
            raise RefusedError(404, "this service keeps no sessions; start it with --sessions memory or redis://HOST:PORT")
        return self._sessions
