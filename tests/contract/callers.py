"""Users of the HTTP API: their tokens, and how they read its answers."""

from typing import Any

import httpx

from chassis.auth import sign

SECRET = "a secret of at least 32 bytes for HS256"


def caller(
    user: str = "u1", name: str | None = "User One", room: str = "*", rights: str = "rw", ttl: float = 3600
) -> dict[str, str]:
    """The header that says who calls."""
    token = sign(SECRET, user, name=name, rooms={room: rights}, ttl=ttl)
    return {"Authorization": f"Bearer {token}"}


async def post(api: httpx.AsyncClient, body: str = "hi", room: str = "lobby", **more: Any) -> dict[str, Any]:
    answer = await api.post(f"/v1/rooms/{room}/comments", json={"body": body, **more})
    assert answer.status_code == 201, answer.text
    comment: dict[str, Any] = answer.json()
    return comment


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that was answered (RFC 9457)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["type"] == f"/problems/{found['code']}"
    return found


def fields(answer: httpx.Response) -> list[str]:
    return [each["field"] for each in problem(answer, 422)["errors"]]
