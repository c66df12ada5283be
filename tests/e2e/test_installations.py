"""Two installations on one NATS: nothing of one app is seen by another."""

import asyncio

from anyio.from_thread import BlockingPortal
from processes import cluster, token
from servers import database

from parley import Client, Event
from parley_cli import embedded


async def test_rooms_of_the_same_name_are_two_rooms(
    database_url: str, nats_url: str, servers_portal: BlockingPortal, postgres_server: embedded.Postgres
) -> None:
    with (
        servers_portal.wrap_async_context_manager(database(postgres_server)) as other_url,
        cluster(database_url, nats_url) as one,
        cluster(other_url, nats_url) as other,
    ):
        async with (
            Client(one.comments[0].url, token()) as poster,
            Client(other.comments[0].url, token()) as stranger,
            Client(one.fanouts[0].url, token()) as reader,
            Client(other.fanouts[0].url, token()) as onlooker,
        ):
            theirs = await stranger.post("lobby", "of the other app")
            async with reader.subscribe("lobby") as seen, onlooker.subscribe("lobby") as overheard:
                assert (seen.offset, overheard.offset) == (0, theirs["offset"])
                for number in range(3):
                    await poster.post("lobby", str(number))
                last = await stranger.post("lobby", "last")
                async with asyncio.timeout(30):
                    events = [await anext(seen) for _ in range(3)]
                    only = await anext(overheard)
    assert all(isinstance(event, Event) for event in events)
    assert isinstance(only, Event)
    assert only.data["comment"] == last["id"]
