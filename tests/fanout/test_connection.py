"""The native protocol over real sockets: what each frame is answered with, and what closes a connection."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
import websockets
from crowd import turn
from fakelog import EPOCH, ROOM, UnrulyNats, event
from nodes import SECRET, Node, node, token

from chassis.auth import Identity, Verifier
from events import Record, Stop
from fanout.closes import Close


class SlowVerifier(Verifier):
    """Verifies when `gate` is open."""

    def __init__(self) -> None:
        super().__init__(secret=SECRET)
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()

    async def verify(self, token: str) -> Identity:
        self.asked.set()
        await self.gate.wait()
        return await super().verify(token)


# Connecting


async def test_a_token_in_the_query_connects_unasked() -> None:
    async with node() as n, n.stranger(f"?x=1&token={token()}") as client:
        connected = await client.receive()
    assert connected.pop("connection").startswith("c")
    assert connected == {"type": "connected", "user": "u1", "ping": 25.0}


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer  "])
async def test_a_token_in_the_header_connects_unasked(scheme: str) -> None:
    async with node() as n, n.stranger(Authorization=scheme + token("u2")) as client:
        assert (await client.receive())["user"] == "u2"


async def test_a_token_in_the_first_frame_connects() -> None:
    async with node() as n, n.stranger() as client:
        connected = await client.ask("connect", token=token("u3"))
    assert (connected["type"], connected["user"]) == ("connected", "u3")


async def test_each_connection_has_a_name_of_its_own() -> None:
    async with node() as n, n.stranger() as one, n.stranger() as other:
        answers = [await client.ask("connect", token=token()) for client in (one, other)]
    assert len({answer["connection"] for answer in answers}) == 2


async def test_requests_sent_before_connected_arrives_are_carried_out_in_order() -> None:
    verifier = SlowVerifier()
    async with node(7, verifier=verifier) as n, n.stranger() as client:
        await client.send("connect", token=token())
        await client.send("subscribe", room=ROOM)
        await client.send("subscribe", room=ROOM)
        await client.send("unsubscribe", room="elsewhere")
        await client.send("connect", token=token())
        await verifier.asked.wait()
        verifier.gate.set()
        first = await client.receive()
        answers = {id_: await client.answer(id_) for id_ in (2, 3, 4, 5)}
    assert (first["type"], first["id"]) == ("connected", 1)
    assert answers[2]["offset"] == 7
    assert [answers[id_]["code"] for id_ in (3, 4, 5)] == [
        "subscribed_already",
        "not_subscribed",
        "connected_already",
    ]


async def test_requests_that_come_too_early_are_bounded_in_bytes() -> None:
    async with node(verifier=SlowVerifier()) as n, n.stranger() as client:
        await client.send("connect", token=token())
        for _ in range(3):
            await client.send("signal", room=ROOM, name="n", data="x" * 60_000)
        assert await client.closing() == Close.TOO_MANY_REQUESTS


async def test_one_who_does_not_connect_in_time_is_closed() -> None:
    async with node(connect_seconds=0.05) as n, n.stranger() as client:
        assert await client.closing() == Close.NO_CONNECT


async def test_a_token_that_is_not_verified_in_time_closes_too() -> None:
    async with node(connect_seconds=0.05, verifier=SlowVerifier()) as n, n.stranger() as client:
        await client.send("connect", token=token())
        assert await client.closing() == Close.NO_CONNECT


@pytest.mark.parametrize("bad", ["", "nonsense", token(ttl=-60), token()[:-4] + "AAAA"])
async def test_an_invalid_token_closes(bad: str) -> None:
    async with node() as n, n.stranger() as client:
        await client.send("connect", token=bad)
        assert await client.closing() == Close.INVALID_TOKEN


async def test_an_invalid_token_in_the_query_closes() -> None:
    async with node() as n, n.stranger("?token=nonsense") as client:
        assert await client.closing() == Close.INVALID_TOKEN


async def test_a_token_that_expires_closes_its_connection() -> None:
    async with node() as n, n.client(ttl=1) as client:
        assert await client.closing() == Close.TOKEN_EXPIRED


async def test_a_request_before_the_connect_request_closes() -> None:
    async with node() as n, n.stranger() as client:
        await client.send("subscribe", room=ROOM)
        assert await client.closing() == Close.NOT_CONNECTED


async def test_connecting_twice_is_refused() -> None:
    async with node() as n, n.client() as client:
        assert await client.refusal("connect", token=token()) == "connected_already"
        assert (await client.ask("subscribe", room=ROOM))["type"] == "subscribed"


@pytest.mark.parametrize("frame", ["[]", "{", "", "[" * 4000, b"{}"])
async def test_a_bad_frame_closes(frame: str | bytes) -> None:
    async with node() as n, n.client() as client:
        await client.socket.send(frame)
        assert await client.closing() == Close.BAD_FRAME


async def test_a_request_that_is_not_understood_is_answered() -> None:
    async with node() as n, n.client() as client:
        assert await client.refusal("shout") == "invalid_request"
        await client.socket.send('{"type":"typing"}')
        assert (await client.answer(None))["code"] == "invalid_request"


async def test_one_who_is_gone_before_the_token_is_verified_joins_nothing() -> None:
    verifier = SlowVerifier()
    async with node(verifier=verifier) as n:
        async with n.stranger() as client:
            await client.send("connect", token=token())
            await client.send("subscribe", room=ROOM)
            await verifier.asked.wait()
        verifier.gate.set()
        await turn()
        assert (n.roster.open, n.hub.rooms) == (0, 0)


# Rooms


async def test_a_subscription_gives_what_happens_from_then_on() -> None:
    async with node(7) as n, n.client() as client:
        answer = await client.ask("subscribe", room=ROOM)
        n.post()
        frame = await client.receive()
    assert answer == {
        "type": "subscribed",
        "room": ROOM,
        "epoch": EPOCH,
        "offset": 7,
        "recovered": False,
        "presence": None,
        "receipts": None,
    }
    assert frame == {"type": "event", "room": ROOM, "offset": 8, "event": {"offset": 8}}


async def test_a_subscription_with_since_gives_what_was_missed_first() -> None:
    async with node(7) as n, n.client() as client:
        answer = await client.ask("subscribe", room=ROOM, since={"epoch": EPOCH, "offset": 4})
        n.post()
        assert (answer["recovered"], answer["offset"]) == (True, 7)
        assert await client.events(4) == [5, 6, 7, 8]


async def test_a_room_that_may_not_be_read_is_forbidden() -> None:
    async with node() as n, n.client(lobby="w", other="r") as client:
        assert await client.refusal("subscribe", room=ROOM) == "forbidden"
        assert await client.refusal("subscribe", room="third") == "forbidden"
        assert (await client.ask("subscribe", room="other"))["type"] == "subscribed"


async def test_a_room_is_subscribed_to_once() -> None:
    async with node() as n, n.member() as client:
        assert await client.refusal("subscribe", room=ROOM) == "subscribed_already"
        n.post()
        assert await client.events(1) == [1]


async def test_a_connection_has_so_many_rooms() -> None:
    async with node(rooms_per_connection=2) as n, n.member() as client:
        await client.ask("subscribe", room="second")
        assert await client.refusal("subscribe", room="third") == "too_many_rooms"
        await client.ask("unsubscribe", room="second")
        assert (await client.ask("subscribe", room="third"))["type"] == "subscribed"


async def test_after_unsubscribing_nothing_comes_until_the_next_subscription() -> None:
    async with node() as n, n.member() as client:
        assert await client.ask("unsubscribe", room=ROOM) == {"type": "unsubscribed", "room": ROOM}
        n.post()
        assert await client.refusal("unsubscribe", room=ROOM) == "not_subscribed"
        await client.ask("subscribe", room=ROOM, since={"epoch": EPOCH, "offset": 0})
        n.post()
        assert await client.events(2) == [1, 2]
        assert client.aside == []


async def test_unsubscribing_before_the_room_was_read_answers_both() -> None:
    async with node(7) as n, n.client() as client:
        n.log.delay = 0.2
        subscribe = await client.send("subscribe", room=ROOM)
        assert (await client.ask("unsubscribe", room=ROOM))["type"] == "unsubscribed"
        assert (await client.answer(subscribe))["code"] == "unsubscribed"
        assert (await client.ask("subscribe", room=ROOM))["offset"] == 7
        assert n.hub.figures.members == 1


async def test_one_who_is_gone_before_the_room_was_read_is_no_member() -> None:
    async with node(7) as n:
        async with n.client() as client:
            n.log.delay = 0.1
            await client.send("subscribe", room=ROOM)
        async with n.member():
            assert n.hub.figures.members == 1


async def test_a_room_that_cannot_be_read_now_is_unavailable() -> None:
    async with node(7) as n, n.client() as client:
        n.log.available = False
        assert await client.refusal("subscribe", room=ROOM) == "unavailable"
        n.log.available = True
        assert (await client.ask("subscribe", room=ROOM))["offset"] == 7


async def test_another_history_closes() -> None:
    async with node() as n, n.member() as client:
        n.log.epoch = "epoch-2"
        n.post()
        assert await client.closing() == Close.HISTORY_CHANGED


async def test_work_that_breaks_off_unexpectedly_closes(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(UnrulyNats):
        async def follow(self, app: str, room: str, heard: Callable[[Record], None]) -> Stop:
            raise LookupError(room)

    async with node(nats=Broken()) as n, n.client() as client:
        await client.send("subscribe", room=ROOM)
        assert await client.closing() == 1011
    assert f"LookupError: {ROOM}" in caplog.text


async def test_a_slow_reader_gets_everything_at_its_own_pace() -> None:
    async with node(write_high=4096, ring_bytes=0) as n, n.member("slow") as slow, n.member("fast") as fast:
        slow.socket.transport.pause_reading()
        n.log.events += [event(offset) + b" " * 50_000 for offset in range(1, 401)]
        n.nats.come_back()
        assert await fast.events(400) == list(range(1, 401))
        assert n.hub.figures.paused >= 1
        slow.socket.transport.resume_reading()
        n.post()
        assert await slow.events(401) == list(range(1, 402))
        assert await fast.events(1) == [401]


# Signals


async def test_typing_reaches_the_others_only() -> None:
    async with node() as n, n.member("u1") as one, n.member("u2") as two, n.member("u3") as three:
        assert await one.ask("typing", room=ROOM) == {"type": "ok"}
        expected: dict[str, Any] = {"type": "signal", "room": ROOM, "name": "typing", "user": "u1"}
        expected["data"] = {"name": None}
        assert await two.receive() == await three.receive() == expected
        n.post()
        assert await one.events(1) == [1]


async def test_a_signal_carries_its_data() -> None:
    async with node() as n, n.member("u1") as one, n.client("u2") as two:
        data = {"x": [1, None, "κόσμε"], "y": {"z": 0.5}}
        assert await two.ask("signal", room=ROOM, name="moved.cursor", data=data) == {"type": "ok"}
        frame = await one.receive()
    assert frame == {"type": "signal", "room": ROOM, "name": "moved.cursor", "user": "u2", "data": data}


async def test_one_who_may_not_write_may_not_signal() -> None:
    async with node() as n, n.client(lobby="r") as client:
        assert await client.refusal("typing", room=ROOM) == "forbidden"
        assert await client.refusal("signal", room=ROOM, name="n", data=1) == "forbidden"


async def test_a_signal_is_measured_in_bytes_of_utf_8() -> None:
    async with node(signal_limit=10) as n, n.client() as client:
        assert await client.ask("signal", room=ROOM, name="n", data="éééé") == {"type": "ok"}
        assert await client.refusal("signal", room=ROOM, name="n", data="ééééé") == "too_large"


async def test_a_signal_that_cannot_be_sent_now_is_refused() -> None:
    async with node() as n, n.client() as client:
        n.nats.away = True
        assert await client.refusal("typing", room=ROOM) == "unavailable"


# Limits


async def test_one_who_asks_too_often_is_told_and_then_closed() -> None:
    async with node(requests_per_second=0.001, requests_burst=2) as n, n.client() as client:
        for _ in range(2):
            assert await client.refusal("shout") == "invalid_request"
        for _ in range(105):
            await client.send("shout")
        assert await client.closing() == Close.TOO_MANY_REQUESTS
    assert {frame["code"] for frame in client.aside} == {"too_many_requests"}
    assert [frame["id"] for frame in client.aside] == list(range(3, 103))
    assert all(frame["retryAfter"] > 0 for frame in client.aside)


async def test_rate_limits_can_be_switched_off() -> None:
    async with (
        node(requests_per_second=0.001, requests_burst=1, rate_limits="off") as n,
        n.client() as client,
    ):
        for _ in range(500):
            await client.send("unsubscribe", room=ROOM)
        assert (await client.answer(500))["code"] == "not_subscribed"


async def refused(n: Node, path: str = "/v1/ws") -> websockets.Response:
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await websockets.connect(f"ws://127.0.0.1:{n.port}{path}", proxy=None)
    return refusal.value.response


async def test_a_full_server_refuses_until_somebody_goes() -> None:
    async with node(max_connections=1) as n:
        async with n.client():
            refusal = await refused(n)
            assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "5")
        async with n.client():
            assert (n.roster.open, n.roster.figures.accepted) == (1, 2)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/ws/", "/v1/WS", "/v1/ws2?token=x"])
async def test_no_socket_is_served_elsewhere(path: str) -> None:
    async with node() as n:
        assert (await refused(n, path)).status_code == 404


async def test_a_query_of_many_fields_is_no_trouble() -> None:
    query = "?" + "&".join(f"f{number}=1" for number in range(100)) + f"&token={token()}"
    async with node() as n, n.stranger(query) as client:
        assert (await client.receive())["type"] == "connected"


async def test_no_log_has_a_token_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.WARNING)  # the client's own, in this same process
    good, bad = token(), token(ttl=-60)
    async with node() as n:
        for query, headers in [(f"?token={good}", {}), ("", {"Authorization": f"Bearer {good}"})]:
            async with n.stranger(query, **headers) as client:
                await client.receive()
                assert await client.refusal("connect", token=good) == "connected_already"
        async with n.stranger(f"?token={bad}") as client:
            assert await client.closing() == Close.INVALID_TOKEN
            assert bad not in str(client.socket.close_reason)
        await refused(n, f"/elsewhere?token={good}")
    assert good not in caplog.text
    assert bad not in caplog.text
