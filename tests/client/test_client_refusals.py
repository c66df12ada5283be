"""Requests over the socket that the server does not carry out."""

import pytest
from client.faulty_server import FaultyServer, Refusal
from client.reading import take

from parley import Client, Refused


async def test_a_refused_room_leaves_the_others_alone(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby") as lobby:
        server.refusals.append(Refusal("forbidden"))
        with pytest.raises(Refused, match="forbidden: as told"):
            await anext(client.subscribe("vault"))
        server.publish("lobby")
        assert await take(lobby, 1) == [1]


async def test_a_room_that_cannot_be_read_for_now_is_asked_for_again(
    client: Client, server: FaultyServer
) -> None:
    server.refusals.extend([Refusal("unavailable")] * 2)
    async with client.subscribe("lobby") as lobby:
        server.publish("lobby")
        assert await take(lobby, 1) == [1]
        assert len(server.heads) == 1


async def test_a_request_too_many_is_made_again_and_nothing_else_is(
    client: Client, server: FaultyServer
) -> None:
    async with client.subscribe("attic"):
        server.refusals.append(Refusal("too_many_requests", after=0.001))
        await client.subscribe("lobby").ready()
        assert [frame["room"] for frame in server.received] == ["attic", "lobby", "lobby"]
        assert len(server.heads) == 1


async def test_a_refusal_that_does_not_say_of_what_makes_everything_be_asked_again(
    client: Client, server: FaultyServer
) -> None:
    server.refusals.append(Refusal("too_many_requests", numbered=False))
    async with client.subscribe("lobby") as lobby:
        server.publish("lobby")
        assert await take(lobby, 1) == [1]
        assert len(server.heads) == 2


async def test_a_room_that_is_left_too_soon_is_left_later(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby"):
        server.refusals.append(Refusal("too_many_requests", kind="unsubscribe"))
    first = await server.frame(type="unsubscribe")
    assert (await server.frame(type="unsubscribe"))["id"] > first["id"]


async def test_a_hole_is_filled_also_when_the_room_could_not_be_left_first(
    client: Client, server: FaultyServer
) -> None:
    server.omit.append(2)
    async with client.subscribe("lobby") as lobby:
        server.refusals.append(Refusal("too_many_requests", kind="unsubscribe"))
        for _ in range(4):
            server.publish("lobby")
        assert await take(lobby, 4) == [1, 2, 3, 4]
        assert len(server.heads) == 1


async def test_a_right_that_is_withdrawn_ends_its_room_and_nothing_else(
    client: Client, server: FaultyServer
) -> None:
    async with client.subscribe("lobby") as lobby, client.subscribe("vault") as vault:
        server.publish("vault")
        server.say(type="error", code="forbidden", message="no longer", room="vault")
        assert await take(vault, 1) == [1]
        with pytest.raises(Refused, match="forbidden: no longer"):
            await anext(vault)
        server.publish("lobby")
        assert await take(lobby, 1) == [1]
        assert len(server.heads) == 1
