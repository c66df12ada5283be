"""Two apps on one NATS and one database, with the same secret: nothing of one is seen by the other."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
import websockets
from anyio.from_thread import BlockingPortal
from nodes import Client
from processes import Cluster, cluster, token
from servers import database

import parley
from parley_cli import embedded

HEADERS = {"Authorization": f"Bearer {token('u1')}"}
ROOM = "/v1/rooms/lobby"


@pytest.fixture(scope="module")
def apps(
    servers_portal: BlockingPortal, postgres_server: embedded.Postgres, nats_server: embedded.Nats
) -> Iterator[tuple[Cluster, Cluster]]:
    """Of which one's name begins as the other's does."""
    name = f"app-{uuid.uuid4().hex[:8]}"
    with (
        servers_portal.wrap_async_context_manager(database(postgres_server)) as url,
        cluster(url, nats_server.full_url, {"PARLEY_APP_ID": name}) as one,
        cluster(url, nats_server.full_url, {"PARLEY_APP_ID": f"{name}-2"}) as other,
    ):
        yield one, other


def http(app: Cluster) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=app.comments[0].url, headers=HEADERS)


def socket(app: Cluster, user: str) -> websockets.connect:
    return websockets.connect(f"{app.fanouts[0].socket_url}?token={token(user)}", proxy=None)


async def test_a_comment_of_the_other_app_is_not_there(apps: tuple[Cluster, Cluster]) -> None:
    async with http(apps[0]) as one, http(apps[1]) as other:
        comment = (await one.post(f"{ROOM}/comments", json={"body": "secret"})).json()["id"]
        assert (await one.get(f"/v1/comments/{comment}")).status_code == 200
        for version in ("v1", "api"):
            path = f"/{version}/comments/{comment}"
            answers = [
                await other.patch(path, json={"body": "mine"}),
                await other.delete(path),
                *([await other.get(path), await other.get(f"{path}/history")] if version == "v1" else []),
            ]
            assert {answer.status_code for answer in answers} == {404}
            assert not any("secret" in answer.text for answer in answers)
        assert (await one.get(f"/v1/comments/{comment}")).json()["body"] == "secret"


async def test_a_room_of_the_same_name_is_another_room(apps: tuple[Cluster, Cluster]) -> None:
    moderator = {"Authorization": f"Bearer {token('u1', own='m')}"}
    async with http(apps[0]) as one, http(apps[1]) as other:
        await one.put("/v1/rooms/own", json={"attributes": {"title": "secret"}}, headers=moderator)
        await one.post("/v1/rooms/own/comments", json={"body": "secret"})
        found = [await other.get(f"/v1/rooms/own{part}") for part in ("", "/comments", "/members")]
        rooms = (await other.get("/v1/rooms")).json()["rooms"]
    assert (found[0].json()["head"], found[0].json()["attributes"]) == (0, {})
    assert (found[1].json()["comments"], found[2].json()["members"]) == ([], [])
    assert "own" not in [room["id"] for room in rooms]


async def test_a_key_is_for_one_comment_of_each_app(apps: tuple[Cluster, Cluster]) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    async with http(apps[0]) as one, http(apps[1]) as other:
        first = await one.post(f"{ROOM}/comments", json={"body": "one"}, headers=key)
        second = await other.post(f"{ROOM}/comments", json={"body": "two"}, headers=key)
        again = await other.post(f"{ROOM}/comments", json={"body": "two"}, headers=key)
    assert [first.status_code, second.status_code, again.status_code] == [201, 201, 200]
    assert first.json()["id"] != second.json()["id"] == again.json()["id"]


async def test_events_reach_their_own_app_whichever_relay_publishes_them(
    apps: tuple[Cluster, Cluster],
) -> None:
    """The two relays share one outbox: many rooms, so that each owns some of either app's."""
    rooms = [f"room-{number}" for number in range(40)]

    async def seen(app: Cluster) -> list[list[str]]:
        async with AsyncExitStack() as stack, asyncio.timeout(60):
            reader = await stack.enter_async_context(parley.Client(app.fanouts[0].url, token("reader")))
            poster = await stack.enter_async_context(parley.Client(app.comments[0].url, token("poster")))
            joined = [await stack.enter_async_context(reader.subscribe(room)) for room in rooms]
            posted = [[(await poster.post(room, "hi"))["id"] for _ in range(3)] for room in rooms]
            events = [[await anext(each) for _ in range(3)] for each in joined]
        heard = [
            [event.data["comment"] for event in each if isinstance(event, parley.Event)] for each in events
        ]
        assert heard == posted
        return heard

    one, other = await asyncio.gather(seen(apps[0]), seen(apps[1]))
    assert not {comment for each in one for comment in each} & {comment for each in other for comment in each}


async def test_a_position_in_the_other_apps_room_is_none_here(apps: tuple[Cluster, Cluster]) -> None:
    async with http(apps[0]) as one:
        for _ in range(3):
            await one.post("/v1/rooms/seen/comments", json={"body": "secret"})
        page = (await one.get("/v1/rooms/seen/comments")).json()
    since = {"epoch": page["epoch"], "offset": 1}
    async with socket(apps[1], "u2") as mine:
        client = Client(mine)
        joined = await client.ask("subscribe", room="seen", since=since)
    assert (joined["recovered"], joined["offset"]) == (False, 0)
    assert "secret" not in json.dumps(client.aside)


async def test_signals_stay_in_their_app(apps: tuple[Cluster, Cluster]) -> None:
    async with (
        socket(apps[0], "ann") as ann,
        socket(apps[0], "bob") as bob,
        socket(apps[1], "eve") as eve,
        socket(apps[1], "kim") as kim,
    ):
        clients = [Client(each) for each in (ann, bob, eve, kim)]
        for client in clients:
            await client.ask("subscribe", room="lobby")
        for client, name in ((clients[0], "one"), (clients[3], "two")):
            assert await client.ask("signal", room="lobby", name=name, data=None) == {"type": "ok"}
        heard = [await client.receive() for client in (clients[1], clients[2])]
    assert [(each["name"], each["user"]) for each in heard] == [("one", "ann"), ("two", "kim")]
