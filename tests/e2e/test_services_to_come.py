"""notifier does nothing yet, and says so by answering nothing but for its own life."""

import httpx
from processes import SECRET, Process


def test_it_is_alive_and_ready() -> None:
    process = Process("notifier", {"PARLEY_JWT_SECRET": SECRET})
    try:
        process.ready()
        answers = [httpx.get(f"http://127.0.0.1:{process.port}{path}") for path in ("/healthz", "/readyz")]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert httpx.get(f"http://127.0.0.1:{process.port}/v1/rooms").status_code == 404
    finally:
        process.kill()
