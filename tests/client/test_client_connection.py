import pytest
from client.conftest import AT_ONCE, Recorded
from client.faulty_server import Fault, FaultyServer

from parley import Client, Cursor, Refused


async def test_a_token_is_asked_for_before_every_connection(server: FaultyServer) -> None:
    tokens = iter(["first", "second"])

    async def token() -> str:
        return next(tokens)

    async with Client(server.url, token, backoff=AT_ONCE) as client, client.subscribe("lobby") as lobby:
        server.cut()
        server.publish("lobby")
        await anext(lobby)
    assert ["Bearer first" in server.heads[0], "Bearer second" in server.heads[1]] == [True, True]


async def test_an_error_in_fetching_the_token_reaches_the_reader(server: FaultyServer) -> None:
    async def token() -> str:
        raise LookupError("nobody is signed in")

    async with Client(server.url, token) as client:
        with pytest.raises(LookupError):
            await anext(client.subscribe("lobby"))


async def test_a_refused_upgrade_is_raised(client: Client, server: FaultyServer) -> None:
    server.upgrades.append(Fault(401))
    with pytest.raises(Refused) as refused:
        await client.subscribe("lobby").ready()
    assert refused.value.status == 401


async def test_a_server_that_is_not_ready_is_asked_again(client: Client, server: FaultyServer) -> None:
    server.upgrades.extend([Fault(503), Fault(502)])
    server.publish("lobby")
    event = await anext(client.subscribe("lobby", since=Cursor("e1", 0)))
    assert event.offset == 1


async def test_every_failed_attempt_in_a_row_waits_longer(server: FaultyServer) -> None:
    server.upgrades.extend([Fault(503)] * 3)
    backoff = Recorded()
    async with Client(server.url, "a-token", backoff=backoff) as client, client.subscribe("lobby"):
        assert backoff.waits == [(0, 0.0), (1, 0.0), (2, 0.0)]
