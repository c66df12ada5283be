"""A connection that goes on with a new token before the old one expires."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from client.conftest import AT_ONCE
from client.faulty_server import FaultyServer, Refusal

from parley import Client, Subscription


@asynccontextmanager
async def connected(
    server: FaultyServer, tokens: Iterator[str | Exception]
) -> AsyncIterator[tuple[Subscription, Callable[[], int]]]:
    """A subscription to the lobby, and how often the application has been asked for a token."""
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        given = next(tokens)
        if isinstance(given, Exception):
            raise given
        return given

    async with Client(server.url, token, backoff=AT_ONCE) as client, client.subscribe("lobby") as lobby:
        yield lobby, lambda: asked


async def test_a_token_that_expires_is_replaced_on_the_same_connection(server: FaultyServer) -> None:
    async with connected(server, iter(["old", "new", "new", "newer"])):
        for expected in ("new", "newer"):
            server.say(type="expiring", seconds=60)
            assert (await server.frame(type="refresh"))["token"] == expected
        assert len(server.heads) == 1


async def test_an_application_that_has_no_token_yet_is_asked_again(server: FaultyServer) -> None:
    tokens: list[str | Exception] = ["old", LookupError("the backend is away"), OSError("still"), "new"]
    async with connected(server, iter(tokens)):
        server.say(type="expiring", seconds=60)
        assert (await server.frame(type="refresh"))["token"] == "new"


async def test_a_token_that_the_server_has_already_is_not_presented_again(server: FaultyServer) -> None:
    async with connected(server, iter(["old", "old", "old", "new"])):
        server.say(type="expiring", seconds=60)
        assert (await server.frame(type="refresh"))["token"] == "new"


async def test_a_token_that_is_refused_is_followed_by_another(server: FaultyServer) -> None:
    for code in ("invalid_token", "too_many_requests"):
        server.refusals.append(Refusal(code, kind="refresh"))
    async with connected(server, iter(["old", "bad", "worse", "good"])) as (lobby, _):
        server.say(type="expiring", seconds=60)
        tokens = [(await server.frame(type="refresh"))["token"] for _ in range(3)]
        assert tokens == ["bad", "worse", "good"]
        server.publish("lobby")
        await anext(lobby)
        assert len(server.heads) == 1


async def test_the_application_is_asked_once_however_often_the_server_warns(server: FaultyServer) -> None:
    async with connected(server, iter(["old", "new"])) as (lobby, asked):
        for _ in range(3):
            server.say(type="expiring", seconds=60)
        await server.frame(type="refresh")
        server.publish("lobby")
        await anext(lobby)
        assert asked() == 2


async def test_when_no_token_comes_in_time_the_next_connection_asks_for_one(server: FaultyServer) -> None:
    asked, given_up = asyncio.Event(), asyncio.Event()
    numbers = itertools.count(1)

    async def token() -> str:
        if (number := next(numbers)) == 2:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
        return f"token {number}"

    async with Client(server.url, token, backoff=AT_ONCE) as client, client.subscribe("lobby") as lobby:
        server.say(type="expiring", seconds=60)
        await asked.wait()
        server.close(4002)
        server.publish("lobby")
        await anext(lobby)
        await given_up.wait()
    assert "Bearer token 3" in server.heads[1]


async def test_a_token_given_as_a_string_has_no_successor(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby") as lobby:
        server.say(type="expiring", seconds=60)
        server.publish("lobby")
        await anext(lobby)
    assert [(await server.frame())["type"] for _ in range(2)] == ["subscribe", "unsubscribe"]
