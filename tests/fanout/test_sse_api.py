"""`GET /v1/rooms/{room}/events` on a real port: who is let in, and how a stream looks from outside."""

import asyncio
import json
import logging
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from eventsource import EventSource, Message, Parser
from fakelog import EPOCH, ROOM, event
from nodes import token
from streaming import Node, streaming, take

from chassis.telemetry import start

PATH = f"/v1/rooms/{ROOM}/events"


def bearer(**rights: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(**rights)}"}


# Who is let in


@pytest.mark.parametrize("where", ["header", "query"])
async def test_a_token_in_the_header_or_in_the_query_lets_in(where: str) -> None:
    async with streaming(7) as node, httpx.AsyncClient(base_url=node.url) as client:
        given: dict[str, Any] = {"headers": bearer()} if where == "header" else {"params": {"token": token()}}
        async with client.stream("GET", PATH, **given) as answer:
            assert answer.status_code == 200
            first = await anext(answer.aiter_raw())
    assert first.startswith(b"retry: ")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "token_missing"),
        ({"token": ""}, "token_missing"),
        ({"token": "nonsense"}, "token_invalid"),
        ({"token": token(ttl=-60)}, "token_expired"),
    ],
)
async def test_without_a_valid_token_no_stream_begins(given: dict[str, str], code: str) -> None:
    async with streaming() as node:
        answer = await node.get(headers={}, **given)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_no_stream_begins_in_the_seconds_for_which_an_expired_token_is_forgiven() -> None:
    async with streaming() as node:
        assert (await node.get(token=token(ttl=-1))).json()["code"] == "token_expired"


async def test_a_room_that_may_not_be_read_is_forbidden() -> None:
    async with streaming() as node:
        answers = [await node.get(room, token=token(lobby="w", other="r")) for room in (ROOM, "third")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * 2


@pytest.mark.parametrize("room", ["a%20b", "a*", "x" * 165, "caf%C3%A9"])
async def test_what_is_no_rooms_name_is_refused(room: str) -> None:
    async with streaming() as node:
        answer = await node.get(room, token=token())
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("since", ["", "7", f"{EPOCH}:-1", f"{EPOCH}:7:", f"{EPOCH}:99999999999999999"])
async def test_a_since_in_the_url_that_is_no_position_is_refused(since: str) -> None:
    async with streaming() as node:
        answer = await node.get(token=token(), since=since)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "since")


async def test_any_other_method_is_refused() -> None:
    async with streaming() as node, httpx.AsyncClient(base_url=node.url) as client:
        answers = [await client.request(method, PATH, headers=bearer()) for method in ("HEAD", "POST")]
    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [(405, "GET")] * 2


async def test_no_log_and_no_span_has_a_token_in_it(caplog: pytest.LogCaptureFixture) -> None:
    for logger in (None, "asyncio", "uvicorn.error"):
        caplog.set_level(logging.DEBUG, logger)
    for client in ("httpx", "httpcore"):  # the client's own, in this same process
        logging.getLogger(client).setLevel(logging.WARNING)
    good, bad = token(), token(ttl=-60)
    async with streaming() as node:
        await take(EventSource(node.url, good, ROOM), 1)
        await node.get(token=bad)
        await node.get("a b", token=good)
        await node.get(token=good, since="x")
    assert caplog.records
    for secret in (good, bad):
        assert secret not in caplog.text


# How it looks


async def test_a_stream_may_be_read_by_pages_of_other_origins_and_kept_by_nobody() -> None:
    async with streaming() as node, httpx.AsyncClient(base_url=node.url) as client:
        headers = {**bearer(), "Origin": "https://app.example"}
        async with client.stream("GET", PATH, headers=headers) as answer:
            told = answer.headers
    assert told["content-type"] == "text/event-stream; charset=utf-8"
    assert told["access-control-allow-origin"] == "*"
    assert (told["cache-control"], told["x-accel-buffering"], told["connection"]) == (
        "no-store",
        "no",
        "close",
    )
    assert "content-length" not in told


async def test_a_client_that_sets_headers_itself_is_allowed_to_resume() -> None:
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, last-event-id",
    }
    async with streaming() as node, httpx.AsyncClient(base_url=node.url) as client:
        assert (await client.options(PATH, headers=asked)).status_code == 200


async def test_the_route_is_described_with_its_answers() -> None:
    async with streaming() as node, httpx.AsyncClient(base_url=node.url) as client:
        document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/v1/rooms/{room}/events"]["get"]
    assert set(operation["responses"]) == {"200", "401", "403", "422"}
    assert set(operation["responses"]["200"]["content"]) == {"text/event-stream"}
    named = {(each["in"], each["name"]) for each in operation["parameters"]}
    assert named == {("path", "room"), ("query", "since"), ("header", "last-event-id")}
    assert operation["security"] == [{"bearer": []}, {"token": []}]
    assert document["components"]["securitySchemes"]["token"]["in"] == "query"


async def test_a_stream_is_timed_to_where_it_begins() -> None:
    telemetry = start("test", {})
    async with streaming(telemetry=telemetry) as node, httpx.AsyncClient(base_url=node.url) as client:
        async with client.stream("GET", PATH, headers=bearer()):
            await asyncio.sleep(1.2)
        async with asyncio.timeout(10):
            while node.roster.open:
                await asyncio.sleep(0)
        lines = (await client.get("/metrics")).text.splitlines()
    telemetry.close()
    route = 'http_route="/v1/rooms/{room}/events"'
    seconds = [line for line in lines if "duration_seconds_sum" in line and route in line]
    assert len(seconds) == 1
    assert float(seconds[0].rpartition(" ")[2]) < 1


# Coming back


async def test_the_first_message_says_where_the_stream_goes_on() -> None:
    async with streaming(7) as node:
        [first] = await take(node.source(), 1)
    said = '{"room":"lobby","epoch":"epoch-1","offset":7,"recovered":false,"presence":null,"receipts":null}'
    assert first == Message("subscribed", said, f"{EPOCH}:7")


async def test_a_since_in_the_url_gives_what_was_missed() -> None:
    async with streaming(7) as node:
        messages = await take(node.source(since=f"{EPOCH}:5"), 3)
    assert [each.id for each in messages] == [f"{EPOCH}:{offset}" for offset in (5, 6, 7)]


async def test_the_last_event_id_wins_over_the_url() -> None:
    async with streaming(7) as node:
        source = node.source(since=f"{EPOCH}:1")
        source.last_id = f"{EPOCH}:5"
        messages = await take(source, 3)
    assert [each.id for each in messages] == [f"{EPOCH}:{offset}" for offset in (5, 6, 7)]


@pytest.mark.parametrize("strange", ["42", "some-proxys-id", f"{EPOCH}:07", "epoch-0:5", f"{EPOCH}:99"])
async def test_a_last_event_id_that_the_log_does_not_have_is_not_recovered(strange: str) -> None:
    async with streaming(7) as node:
        source = node.source(since=f"{EPOCH}:5")
        source.last_id = strange
        [first] = await take(source, 1)
    assert (first.type, first.id) == ("subscribed", f"{EPOCH}:7")
    assert json.loads(first.data)["recovered"] is False


async def test_a_source_that_is_cut_again_and_again_misses_and_repeats_nothing() -> None:
    async with streaming(ring_bytes=0) as node:
        source, offsets = node.source(since=f"{EPOCH}:0"), list[int]()
        for count in (3, 1, 5, 2):
            node.post(count)
            taken = await take(source, count + 1)
            assert taken[0].type == "subscribed"
            offsets += [json.loads(each.data)["offset"] for each in taken[1:]]
        assert offsets == list(range(1, 12))


async def test_a_token_that_ends_ends_the_source_and_another_goes_on() -> None:
    async with streaming(3) as node:
        source, seen = node.source(ttl=2), list[Message]()
        source.retry = 0
        async with aclosing(source.messages()) as messages:
            async for message in messages:
                seen.append(message)
                node.post()
        types = [each.type for each in seen if each.type != "message"]
        assert types == ["open", "subscribed", "expiring", "closing", "error", "error"]
        assert seen[-1].data == "401"
        [again, *_] = await take(node.source(since=source.last_id), 2)
        assert (again.id, json.loads(again.data)["recovered"]) == (source.last_id, True)


async def test_an_outage_is_told_and_what_was_missed_comes_before_its_end() -> None:
    async with streaming(3, degraded_after=0) as node:
        source, seen = node.source(), list[str]()
        async with aclosing(source.messages()) as messages:
            async for message in messages:
                seen.append(message.type)
                if message.type == "subscribed":
                    node.nats.go_away()
                if message.type == "degraded":
                    node.log.append(2)
                    node.nats.come_back()
                if message.type == "restored":
                    break
    assert seen == ["open", "subscribed", "degraded", "message", "message", "restored"]


async def test_a_server_that_stops_sends_everybody_elsewhere() -> None:
    async with streaming(3) as node:
        source, seen = node.source(), list[Message]()
        async with aclosing(source.messages()) as messages:
            async for message in messages:
                seen.append(message)
                if message.type == "subscribed":
                    node.post(2)
                    node.stop.set()
                if message.type == "error":
                    break
    assert [each.type for each in seen] == ["open", "subscribed", "message", "message", "closing", "error"]
    assert json.loads(seen[-2].data)["code"] == 4000
    assert seen[-1].data == "ended"
    assert source.last_id == f"{EPOCH}:5"


# Peers that behave badly


async def connect(
    node: Node, headers: str = "", more: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A peer that has asked for the stream, and reads no more than it must."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rpartition(":")[2]), limit=1024)
    head = f"GET {PATH}?token={token()} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
    writer.write(head.encode() + more)
    await reader.readuntil(b"event: subscribed\n")
    await reader.readuntil(b"\n\n")
    return reader, writer


async def until(done: Any) -> None:
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


def flood(node: Node, count: int) -> None:
    """Events of 50 KB each, all at once, which are then known only to the log."""
    node.log.events += [event(node.log.head + 1) + b" " * 50_000 for _ in range(count)]
    node.nats.come_back()


async def test_one_who_does_not_read_gets_everything_later_and_holds_nobody_up() -> None:
    async with streaming(ring_bytes=0) as node:
        fast = asyncio.create_task(take(node.source(since=f"{EPOCH}:0"), 402))
        reader, writer = await connect(node)
        await until(lambda: node.roster.open == 2)
        node.log.events += [event(offset) + b" " * 50_000 for offset in range(1, 401)]
        node.nats.come_back()
        node.post()
        assert [each.id for each in await fast][1:] == [f"{EPOCH}:{offset}" for offset in range(1, 402)]
        parser, offsets = Parser(), list[int]()
        while len(offsets) < 401:
            chunk = await reader.read(1 << 20)
            offsets += [json.loads(each.data)["offset"] for each in parser.feed(chunk)]
        assert offsets == list(range(1, 402))
        writer.close()


async def test_one_who_takes_nothing_for_too_long_is_cut() -> None:
    async with streaming(stall_seconds=0.3) as node:
        _, writer = await connect(node)
        flood(node, 400)
        await until(lambda: node.hub.figures.paused)
        await until(lambda: not node.roster.open)
        writer.close()


async def test_a_server_that_stops_does_not_wait_longer_than_it_may_for_one_who_takes_nothing() -> None:
    async with streaming(drain_seconds=0.5) as node:
        _, writer = await connect(node)
        flood(node, 400)
        await until(lambda: node.hub.figures.paused)
        node.stop.set()
        await until(lambda: not node.roster.open)
        writer.close()


async def test_one_who_is_gone_is_forgotten() -> None:
    async with streaming() as node:
        _, writer = await connect(node)
        assert node.roster.open == 1
        writer.transport.abort()
        await until(lambda: not node.roster.open)


async def test_one_who_is_gone_is_forgotten_though_another_request_waits_behind_the_stream() -> None:
    async with streaming() as node:
        _, writer = await connect(node, more=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert node.roster.open == 1
        writer.transport.abort()
        await until(lambda: not node.roster.open)


async def test_one_who_sends_a_body_without_end_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    async with streaming() as node:
        _, writer = await connect(node, "Transfer-Encoding: chunked\r\n")
        for _ in range(300):
            writer.write(b"400\r\n%b\r\n" % bytes(1024))
        await until(lambda: not node.roster.open)
        writer.transport.abort()
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []
