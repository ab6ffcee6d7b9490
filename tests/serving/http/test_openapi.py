"""The service agrees with its own schema: schemathesis makes valid and damaged requests from it, and checks the answers."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.serving.http.conftest import Start
from tests.serving.shop import ITEMS

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed; the extra dev brings it")

ADMIN, SHOP = "a" * 16, "s" * 16
OPERATIONS = ["/recommend", "/feedback", "/health", "/ready", "/metrics", "/admin/reload"]
BODIES = ["/recommend", "/feedback"]
BOUNDED = settings(suppress_health_check=list(HealthCheck), derandomize=True, database=None)
"""Settings with which each version of schemathesis tries the same cases every time."""


@pytest.fixture
def client(start: Start, tmp_path: Path) -> TestClient:
    """A service with keys and small limits."""
    (tmp_path / "keys").write_text(f"shop {SHOP}\nadmin {ADMIN}\n")
    return start(keys=str(tmp_path / "keys"), most_requests=5, most_count=20)


def operation(client: TestClient, path: str) -> Any:
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    return schema[path]["GET" if path in ("/health", "/ready", "/metrics") else "POST"]


def checked(case: Any, key: str, **excluded: Any) -> Any:
    """Return the answer to a case, which agrees with the schema."""
    answer = case.call(headers={"Authorization": f"Bearer {key}"})
    case.validate_response(answer, **excluded)
    if answer.status_code >= 400:
        assert len(answer.json()["error"].splitlines()) == 1
    return answer


@pytest.mark.parametrize("path", OPERATIONS)
def test_whatever_the_schema_allows_is_answered_as_it_says(client: TestClient, path: str) -> None:
    # What no schema says: that items are known, rewards possible, and both equally many.
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    @given(case=operation(client, path).as_strategy())
    @BOUNDED
    def holds(case: Any) -> None:
        answer = checked(case, ADMIN, excluded_checks=[positive_data_acceptance])
        assert answer.status_code in ((200, 413, 422) if path in BODIES else (200,))

    holds()


@pytest.mark.parametrize("path", BODIES)
def test_what_the_schema_and_the_log_allow_is_answered(client: TestClient, path: str) -> None:
    @given(case=operation(client, path).as_strategy())
    @BOUNDED
    def holds(case: Any) -> None:
        for told in case.body.get("requests", [case.body]):
            told.update(items=[f"i{number % ITEMS}" for number, _ in enumerate(told.get("items", []))])
            told.update(rewards=[1 + number % 5 for number, _ in enumerate(told["items"])])
            if "requests" in case.body:
                told.pop("session", None)
            told.pop("new_items", None)  # whose features the log has to know
        case.body.pop("on_unknown", None)
        if "count" in case.body:
            case.body["count"] = int(case.body["count"])  # JSON Schema takes 13.0 for a whole number; the service does not
        assert checked(case, SHOP).status_code == 200

    holds()


@pytest.mark.parametrize("path", BODIES)
def test_what_the_schema_forbids_is_refused_in_one_line(start: Start, path: str) -> None:
    from schemathesis.specs.openapi.checks import negative_data_rejection

    client = start()  # without keys, so that there is nothing to spoil but the body

    @given(case=operation(client, path).as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    @BOUNDED
    def holds(case: Any) -> None:
        # Its own check of this does not know that what is too long may be too large, too.
        assert checked(case, SHOP, excluded_checks=[negative_data_rejection]).status_code in (400, 413, 422)

    holds()


@pytest.mark.parametrize("path", OPERATIONS)
def test_other_methods_are_told_in_one_line(client: TestClient, path: str) -> None:
    answer = client.request("PATCH", path, headers={"Authorization": f"Bearer {SHOP}"})
    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})
    assert answer.headers["allow"] in ("GET", "POST")
    assert client.get("/nowhere", headers={"Authorization": f"Bearer {SHOP}"}).json() == {"error": "Not Found"}


@pytest.mark.parametrize("path", OPERATIONS)
def test_no_other_key_opens_what_needs_one(client: TestClient, path: str) -> None:
    told = operation(client, path)
    needed = told.definition.raw["security"] == [{"key": []}]
    assert needed == (path not in ("/health", "/ready"))

    @given(key=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=40))
    @BOUNDED
    def holds(key: str) -> None:
        headers = {b"Authorization": f"Bearer {key}".encode("latin-1")}
        answer = client.request(told.method, path, headers=headers)
        assert (answer.status_code == 401) == needed
        assert (answer.headers.get("www-authenticate") == "Bearer") == needed

    holds()
