"""Line ends, requests in requests, and secrets, wherever text is taken: none gets out where it came in."""

import asyncio
import json
from urllib.parse import quote

import httpx
import pytest
from nodes import Client
from processes import Cluster, Process, token
from rawsocket import HANDSHAKE
from websockets import connect

EVIL = "evil\r\nX-Evil: 1\r\n\r\nHTTP/1.1 200 OK\r\n\u2028\x1b[31m"
TOKEN = token("mallory")
GET = b"GET /v1/rooms HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/rooms/a/comments HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n"
AMBIGUOUS = [
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT,
    POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + NEXT,
    POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + NEXT,
    POST + b"Content-Length: 0, 44\r\n\r\n" + NEXT,
    POST + b"Content-Length: +44\r\n\r\n" + NEXT,
    POST + b"Content-Length: 0x2c\r\n\r\n" + NEXT,
    POST + b"Content-Length: -1\r\n\r\n" + NEXT,
    POST + b"Content-Length: 18446744073709551617\r\n\r\n" + NEXT,
    POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + NEXT,
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + NEXT,
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + NEXT,
    POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + NEXT,
    POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + NEXT,
    POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n" + NEXT,
    GET + b"X: a\r\n folded\r\n\r\n" + NEXT,
    GET + b"X: a\nX-Evil: b\r\n\r\n" + NEXT,
    GET + b"X: a\rX-Evil: b\r\n\r\n" + NEXT,
    GET + b"X: a\x00b\r\n\r\n" + NEXT,
    GET + b"X Y: a\r\n\r\n" + NEXT,
    GET + b": a\r\n\r\n" + NEXT,
    b"GET /\x00 HTTP/1.1\r\n\r\n" + NEXT,
    b"GET /\xff HTTP/1.1\r\n\r\n" + NEXT,
    b"GET / HTTP/9.9\r\n\r\n" + NEXT,
    b"BREW / HTTP/1.1\r\n\r\n" + NEXT,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
]


async def exchange(process: Process, sent: bytes) -> bytes:
    """All that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("sent", AMBIGUOUS)
async def test_what_can_be_read_in_two_ways_is_refused_and_nothing_after_it_read(
    services: Cluster, sent: bytes
) -> None:
    for process in services.comments + services.fanouts:
        answer = await exchange(process, sent)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1") == 1
        assert b"application/problem+json" in answer


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
async def test_no_path_or_query_gets_into_the_head_of_an_answer(services: Cluster, method: str) -> None:
    evil = quote(EVIL)
    paths = [
        f"/{evil}",
        f"/v1/rooms/{evil}",
        f"/v1/rooms/{evil}/comments?limit={evil}&before={evil}&after={evil}",
        f"/v1/rooms?after={evil}&limit=1",
        f"/v1/rooms/a/members/{evil}?after={evil}",
        f"/v1/rooms/a/members?after={evil}&limit=1",
        f"/v1/comments/{evil}/history",
        f"/api/comments/{evil}",
        f"/v1/ws?token={evil}",
        f"/healthz/../{evil}",
    ]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        for process in services.comments + services.fanouts:
            for path in paths:
                answer = await http.request(method, process.url + path)
                assert "x-evil" not in answer.headers
                assert answer.status_code < 500


async def test_no_header_gets_into_the_head_of_an_answer(services: Cluster) -> None:
    evil = b"\xff\x80 evil, *; \"'<script>"
    names = ["Origin", "Access-Control-Request-Headers", "Idempotency-Key", "traceparent", "X-Forwarded-For"]
    names += ["X-Forwarded-Host", "Host", "Cookie", "Accept", "Range", "If-None-Match", "Last-Event-ID"]
    async with httpx.AsyncClient(base_url=services.comments[0].url) as http:
        for name in names:
            headers = {b"Authorization": f"Bearer {TOKEN}".encode(), name.encode(): evil}
            for method in ("GET", "POST", "OPTIONS"):
                answer = await http.request(method, "/v1/rooms/a/comments", headers=headers)
                assert answer.status_code < 500
                assert b"script" not in b"".join(value for _, value in answer.headers.raw)


async def test_of_what_is_said_twice_both_ways_believe_the_first(services: Cluster) -> None:
    body = json.dumps({"body": "x"}).encode()
    other = token("other", a="r").encode()
    head = POST + b"Content-Length: %d\r\nConnection: close\r\n" % len(body)
    twice = b"Authorization: Bearer %b\r\nAuthorization: Bearer %b\r\n"
    for more in (b"", b"Origin: https://app.example\r\n"):
        for tokens, status in (((TOKEN.encode(), other), b"201"), ((other, TOKEN.encode()), b"403")):
            answer = await exchange(services.comments[0], head + more + twice % tokens + b"\r\n" + body)
            assert answer.split()[1] == status


async def test_half_a_body_is_no_comment(services: Cluster) -> None:
    """Whole as JSON it may be, but its sender meant more."""
    head = POST + f"Authorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n".encode()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        url = services.comments[0].url + "/v1/rooms/a"
        before = (await http.get(url)).json()["head"]
        for more in (b"", b"Origin: https://app.example\r\n"):
            _, writer = await asyncio.open_connection("127.0.0.1", services.comments[0].port)
            writer.write(head + more + b'\r\n{"body": "half"}')
            await writer.drain()
            writer.close()
        posted = await http.post(url + "/comments", json={"body": "whole"})
    assert posted.json()["offset"] == before + 1


async def test_no_request_of_a_socket_gets_into_another_frame(services: Cluster) -> None:
    since = {"epoch": 1, "offset": EVIL}
    async with connect(f"{services.fanouts[0].socket_url}?token={TOKEN}", proxy=None) as socket:
        mallory = Client(socket)
        assert await mallory.refusal(EVIL) == "invalid_request"
        assert await mallory.refusal("signal", room=EVIL, name="n") == "invalid_request"
        assert await mallory.refusal("signal", room="a", name=EVIL) == "invalid_request"
        assert await mallory.refusal("subscribe", room="a\r\n") == "invalid_request"
        assert await mallory.refusal("subscribe", room="a", since=since) == "invalid_request"
        assert await mallory.ask("signal", room="a", name="n", data=EVIL) == {"type": "ok"}


@pytest.mark.parametrize("path", ["/evil%0d%0aX-Evil:1", f"/{TOKEN}", "/v1/ws%00", "//evil", "/v1/ws/../ws"])
async def test_an_upgrade_elsewhere_is_not_found(services: Cluster, path: str) -> None:
    fields = {"Host": "x", "Connection": "Upgrade", "Upgrade": "websocket", **HANDSHAKE}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    answer = await exchange(services.fanouts[0], f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"X-Evil" not in answer
