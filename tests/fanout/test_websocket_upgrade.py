"""The opening handshake behind uvicorn: what a session sees of it, and every way to be refused."""

import json

import pytest
from rawsocket import HANDSHAKE, Echo, ask, serving

from fanout.upgrade import refuse
from fanout.websocket import Refusal, Upgrade


async def test_a_session_sees_what_was_asked_for() -> None:
    seen: list[Upgrade] = []

    def accept(wish: Upgrade) -> Echo:
        seen.append(wish)
        return Echo()

    async with serving(accept) as port:
        status, head, peer = await ask(
            port, HANDSHAKE | {"X-Twice": "1", "x-twice": "2", "Authorization": "Bearer t"}
        )
        peer.writer.close()
    assert status == 101
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert (seen[0].path, seen[0].query) == ("/v1/ws", "room=a%20b")
    assert seen[0].headers["authorization"] == "Bearer t"
    assert seen[0].peer.startswith("127.0.0.1:")


async def test_no_extension_and_no_subprotocol_is_chosen() -> None:
    offers = {"Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "chat"}
    async with serving(lambda _: Echo()) as port:
        status, head, peer = await ask(port, HANDSHAKE | offers)
        peer.writer.close()
    assert status == 101
    assert b"sec-websocket-extensions" not in head.lower()
    assert b"sec-websocket-protocol" not in head.lower()


@pytest.mark.parametrize(
    ("method", "headers", "status", "mentions"),
    [
        ("GET", HANDSHAKE | {"Sec-WebSocket-Version": "8"}, 426, b"sec-websocket-version: 13"),
        ("GET", {"Sec-WebSocket-Key": HANDSHAKE["Sec-WebSocket-Key"]}, 426, b"upgrade: websocket"),
        ("GET", {"Sec-WebSocket-Version": "13"}, 400, b"application/problem+json"),
        ("GET", HANDSHAKE | {"Sec-WebSocket-Key": "too short"}, 400, b"application/problem+json"),
        ("POST", HANDSHAKE | {"Content-Length": "0"}, 405, b"allow: GET"),
    ],
)
async def test_a_bad_upgrade_is_answered_by_http(
    method: str, headers: dict[str, str], status: int, mentions: bytes
) -> None:
    async with serving(lambda _: Echo()) as port:
        answered, head, peer = await ask(port, headers, method)
        problem = json.loads(await peer.reader.read())
        peer.writer.close()
    assert (answered, problem["status"]) == (status, status)
    assert mentions in head


async def test_a_refusal_is_answered_as_it_is_given() -> None:
    def accept(_: Upgrade) -> Refusal:
        return refuse(401, "invalid_token", "The token is not valid.", www_authenticate="Bearer")

    async with serving(accept) as port:
        status, head, peer = await ask(port, HANDSHAKE)
        problem = json.loads(await peer.reader.read())
        peer.writer.close()
    assert status == 401
    assert b"www-authenticate: Bearer\r\n" in head
    assert problem == {
        "type": "/problems/invalid_token",
        "title": "The token is not valid.",
        "status": 401,
        "code": "invalid_token",
    }


async def test_an_upgrade_that_fails_is_logged_and_answered_with_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def accept(wish: Upgrade) -> Echo:
        raise LookupError(wish.path)

    async with serving(accept) as port:
        status, _, peer = await ask(port, HANDSHAKE)
        peer.writer.close()
    assert status == 500
    assert "LookupError: /v1/ws" in caplog.text
