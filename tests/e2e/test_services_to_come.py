"""presence and notifier do nothing yet, and say so by answering nothing but for their own life."""

import httpx
import pytest
from processes import SECRET, Process


@pytest.mark.parametrize("service", ["presence", "notifier"])
def test_it_is_alive_and_ready(service: str) -> None:
    process = Process(service, {"PARLEY_JWT_SECRET": SECRET})
    try:
        process.ready()
        answers = [httpx.get(f"http://127.0.0.1:{process.port}{path}") for path in ("/healthz", "/readyz")]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert httpx.get(f"http://127.0.0.1:{process.port}/v1/rooms").status_code == 404
    finally:
        process.kill()
