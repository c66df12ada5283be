"""Who is here, over HTTP: with real tokens, over real NATS."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from attendance import Holder, Serving, beating
from contract.callers import caller, fields, problem
from contract.recording import PATIENCE
from jsonschema import Draft202012Validator

from presence.settings import Settings

ROOM = "/v1/rooms/lobby/presence"


@pytest.fixture
async def api(settings: Settings, serving: Serving, holder: Holder) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as client:
        await until(client, ROOM, lambda answer: answer.status_code == 200)
        yield client


async def until(client: httpx.AsyncClient, path: str, right: Any) -> dict[str, Any]:
    """What is answered, once it is right."""
    async with asyncio.timeout(3 * PATIENCE):
        while not right(answer := await client.get(path)):
            await asyncio.sleep(0.05)
    found: dict[str, Any] = answer.json()
    return found


async def counted(client: httpx.AsyncClient, count: int, path: str = ROOM) -> dict[str, Any]:
    return await until(client, path, lambda answer: answer.json()["count"] == count)


async def test_people_are_listed_by_user_id_a_page_at_a_time(api: httpx.AsyncClient, holder: Holder) -> None:
    assert (await api.get(ROOM)).json() == {"room": "lobby", "count": 0, "people": [], "next": None}
    async with beating(holder):
        for user in ("cid", "ann", "bob"):
            await holder.hold(user, "lobby")
        first = await counted(api, 3, f"{ROOM}?limit=2")
        assert [person["user"] for person in first["people"]] == ["ann", "bob"]
        assert first["people"][0] == {"user": "ann", "name": None, "avatar": None, "activity": "active"}
        assert first["next"] == f"{ROOM}?limit=2&after=bob"
        second = await api.get(first["next"])
        cid = {**first["people"][0], "user": "cid"}
        assert second.json() == {"room": "lobby", "count": 3, "people": [cid], "next": None}
        assert "link" not in second.headers
        assert (await api.get(f"{ROOM}?limit=2")).headers["link"] == f'<{first["next"]}>; rel="next"'


async def test_some_are_asked_for(api: httpx.AsyncClient, holder: Holder) -> None:
    async with beating(holder):
        connection = await holder.hold("ann", "lobby")
        await counted(api, 1)
        answer = (await api.get(f"{ROOM}?users=bob,ann,bob")).json()
    assert (answer["room"], answer["count"]) == ("lobby", 1)
    bob, ann = answer["asked"]
    assert bob == {
        "user": "bob", "name": None, "avatar": None, "activity": "idle",
        "here": False, "devices": [], "lastSeen": None,
    }  # fmt: skip
    assert ann["here"]
    assert [device["connection"] for device in ann["devices"]] == [connection]
    assert ann["lastSeen"].endswith("Z")


async def test_a_room_is_for_those_who_may_read_it(api: httpx.AsyncClient) -> None:
    refused = await api.get(ROOM, headers=caller(room="attic", rights="rw"))
    assert problem(refused, 403)["code"] == "forbidden"
    assert problem(await api.get(ROOM, headers={"Authorization": ""}), 401)["code"] == "token_missing"


BAD = {
    "?limit=0": "limit",
    "?limit=1001": "limit",
    "?after=" + "x" * 129: "after",
    "?after=%00": "after",
    "?users=": "users",
    "?users=" + ",".join(f"u{n}" for n in range(101)): "users",
    "?users=" + "x" * 129: "users",
    "?users=a%0Ab": "users",
}


@pytest.mark.parametrize("query", BAD, ids=[f"{number}-{field}" for number, field in enumerate(BAD.values())])
async def test_a_bad_field_is_named(api: httpx.AsyncClient, query: str) -> None:
    assert fields(await api.get(ROOM + query)) == [BAD[query]]


async def test_how_long_it_may_be_is_said_in_characters(api: httpx.AsyncClient) -> None:
    assert "at most 128 characters" in (await api.get(f"{ROOM}?after={'x' * 129}")).text
    assert "at most 128 characters" in (await api.get(f"/v1/users/{'x' * 129}/presence")).text


@pytest.mark.parametrize(
    "path", ["rooms/a%20b", f"users/{'x' * 129}", "users/%00"], ids=["room", "long", "nul"]
)
async def test_a_bad_id_is_refused(api: httpx.AsyncClient, path: str) -> None:
    problem(await api.get(f"/v1/{path}/presence"), 422)


async def test_a_user_is_shown_with_the_rooms_that_the_caller_may_read(
    api: httpx.AsyncClient, holder: Holder
) -> None:
    path = "/v1/users/ann/presence"
    async with beating(holder):
        connection = await holder.hold("ann", "lobby", "secret")
        found = await until(
            api, path, lambda answer: answer.status_code == 200 and len(answer.json()["rooms"]) == 2
        )
        assert found["rooms"] == ["lobby", "secret"]
        assert (found["here"], found["activity"]) == (True, "active")
        assert [device["connection"] for device in found["devices"]] == [connection]
        shared = await api.get(path, headers=caller(room="lobby", rights="r"))
        assert shared.json()["rooms"] == ["lobby"]
        refused = await api.get(path, headers=caller(room="attic", rights="rw"))
        assert problem(refused, 404)["code"] == "unknown_user"
        own = await api.get(path, headers=caller("ann", room="attic", rights="r"))
        assert (own.json()["here"], own.json()["rooms"]) == (True, [])


async def test_who_was_seen_in_a_shared_room_is_shown_when_they_are_gone(
    api: httpx.AsyncClient, holder: Holder
) -> None:
    path = "/v1/users/ann/presence"
    async with beating(holder):
        connection = await holder.hold("ann", "lobby")
        await counted(api, 1)
        await holder.drop("ann", connection)
        await counted(api, 0)
    reader = caller(room="lobby", rights="r")
    found = await until(api, path, lambda answer: answer.status_code == 200 and answer.json()["lastSeen"])
    assert (await api.get(path, headers=reader)).json() == found
    assert {**found, "lastSeen": ""} == {
        "user": "ann", "here": False, "activity": None, "rooms": [], "devices": [], "lastSeen": "",
    }  # fmt: skip
    problem(await api.get(path, headers=caller(room="attic", rights="r")), 404)
    [asked] = (await api.get(f"{ROOM}?users=ann", headers=reader)).json()["asked"]
    assert (asked["here"], asked["lastSeen"]) == (False, found["lastSeen"])
    [elsewhere] = (await api.get("/v1/rooms/attic/presence?users=ann")).json()["asked"]
    assert elsewhere["lastSeen"] is None


async def test_who_is_elsewhere_is_shown_as_gone_since_they_left_the_shared_room(
    api: httpx.AsyncClient, holder: Holder
) -> None:
    reader = caller(room="lobby", rights="r")
    async with beating(holder):
        connection = await holder.hold("ann", "lobby")
        await counted(api, 1)
        await holder.hold("ann", "secret", connection=connection)
        await counted(api, 0)
        found = (await api.get("/v1/users/ann/presence", headers=reader)).json()
        assert (found["here"], found["rooms"], found["devices"]) == (False, [], [])
        [asked] = (await api.get(f"{ROOM}?users=ann", headers=reader)).json()["asked"]
        assert asked["lastSeen"] == found["lastSeen"]


async def test_oneself_is_known_and_nobody_else_who_never_came(api: httpx.AsyncClient) -> None:
    own = (await api.get("/v1/users/u1/presence")).json()
    assert (own["here"], own["lastSeen"]) == (False, None)
    assert problem(await api.get("/v1/users/nobody/presence"), 404)["code"] == "unknown_user"


async def test_every_route_is_described(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    for path, item in document["paths"].items():
        operation = item["get"]
        assert operation["summary"]
        assert {"200", "401", "403", "422", "429", "503"} <= operation["responses"].keys(), path
        assert operation["security"] == [{"bearer": []}]
    assert "404" in document["paths"]["/v1/users/{user}/presence"]["get"]["responses"]
    checked = 0
    for schema in document["components"]["schemas"].values():
        for example in schema.get("examples", []):
            Draft202012Validator({**schema, "components": document["components"]}).validate(example)
            checked += 1
    assert checked == 3


async def test_its_figures_can_be_read(api: httpx.AsyncClient, holder: Holder) -> None:
    async with beating(holder):
        await holder.hold("ann", "lobby")
        await counted(api, 1)
        text = (await api.get("/metrics")).text
    for figure in ("users", "connections", "rooms", "leading", "held", "heartbeats_total", "joined_total"):
        assert f"parley_presence_{figure}" in text


async def test_while_it_is_not_known_who_is_here_callers_are_asked_to_come_back(
    api: httpx.AsyncClient, settings: Settings, serving: Serving
) -> None:
    async with serving(settings.model_copy(update={"app_id": "x", "heartbeat_seconds": 600.0})) as client:
        refused = await client.get(ROOM)
        assert problem(refused, 503)["code"] == "presence_unknown"
        assert refused.headers["retry-after"] == "2"
        problem(await client.get("/v1/users/u1/presence"), 503)
