"""The API does what its schema says: schemathesis makes requests of it, good and bad ones, and compares the answers."""

import pytest

from tests.serving.http.conftest import Start

schemathesis = pytest.importorskip("schemathesis")


def test_x(start: Start) -> None:
    import collections
    client = start()
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    seen = collections.Counter()
    from hypothesis import settings, HealthCheck
    for op in schema.get_all_operations():
        op = op.ok()
        for mode in schemathesis.GenerationMode:
            @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
            @__import__("hypothesis").given(case=op.as_strategy(generation_mode=mode))
            def run(case):
                r = case.call()
                seen[op.label, mode.name, r.status_code] += 1
                try:
                    case.validate_response(r)
                except BaseException as e:
                    fs = getattr(e, "exceptions", [e])
                    for f in fs:
                        k = (op.label, mode.name, type(f).__name__)
                        seen[k] += 1
                        if seen[k] < 3:
                            print("!!", k, str(f)[:300], case.as_curl_command()[:300], r.status_code, r.text[:200])
            try:
                run()
            except BaseException as e:
                print("ERR", op.label, mode, type(e), str(e)[:500])
    for k, v in sorted(seen.items(), key=str): print(k, v)
    assert 0
