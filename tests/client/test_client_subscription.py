import asyncio
import gc

import pytest
from client.faulty_server import FaultyServer
from client.reading import take

from parley import Client, Closed, Cursor, Event, Resync


async def test_events_arrive_in_order(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby") as lobby:
        for body in "abc":
            server.publish("lobby", body)
        assert [(await anext(lobby)).offset for _ in range(3)] == [1, 2, 3]
        assert (lobby.epoch, lobby.offset, lobby.recovered) == ("e1", 3, False)


async def test_the_position_is_that_of_the_last_event_read(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby") as lobby:
        server.publish("lobby")
        server.publish("lobby")
        assert lobby.cursor == Cursor("e1", 0)
        await anext(lobby)
        assert lobby.cursor == Cursor("e1", 1)


async def test_types_of_a_newer_server_pass_through(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby") as lobby:
        server.publish("lobby", kind="comment.pinned")
        event = await anext(lobby)
        assert isinstance(event, Event)
        assert event.type == "comment.pinned"


async def test_a_lost_connection_is_resumed_without_gap_or_repeat(
    client: Client, server: FaultyServer
) -> None:
    async with client.subscribe("lobby") as lobby:
        for _ in range(3):
            server.publish("lobby")
            server.cut()
            server.publish("lobby")
        assert await take(lobby, 6) == [1, 2, 3, 4, 5, 6]
        assert lobby.recovered


async def test_a_subscription_starts_after_the_position_it_is_given(
    client: Client, server: FaultyServer
) -> None:
    for _ in range(4):
        server.publish("lobby")
    assert await take(client.subscribe("lobby", since=Cursor("e1", 2)), 2) == [3, 4]


async def test_repeats_are_dropped(client: Client, server: FaultyServer) -> None:
    server.twice = True
    async with client.subscribe("lobby") as lobby:
        for _ in range(3):
            server.publish("lobby")
        assert await take(lobby, 3) == [1, 2, 3]


async def test_a_hole_is_filled_by_subscribing_again(client: Client, server: FaultyServer) -> None:
    server.omit.append(2)
    async with client.subscribe("lobby") as lobby:
        for _ in range(4):
            server.publish("lobby")
        assert await take(lobby, 4) == [1, 2, 3, 4]
        await server.frame(type="subscribe", since={"epoch": "e1", "offset": 1})
        assert len(server.heads) == 1


async def test_a_hole_that_stays_is_asked_for_on_a_new_connection(
    client: Client, server: FaultyServer
) -> None:
    server.omit.extend([2, 2])
    async with client.subscribe("lobby") as lobby:
        for _ in range(4):
            server.publish("lobby")
        assert await take(lobby, 4) == [1, 2, 3, 4]
        assert len(server.heads) == 2


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4000, 4499])
async def test_a_passing_close_is_resumed(client: Client, server: FaultyServer, code: int) -> None:
    async with client.subscribe("lobby") as lobby:
        server.close(code)
        server.publish("lobby")
        assert await take(lobby, 1) == [1]


@pytest.mark.parametrize("code", [1008, 4500, 4999])
async def test_a_final_close_is_raised_after_what_was_received(
    client: Client, server: FaultyServer, code: int
) -> None:
    async with client.subscribe("lobby") as lobby:
        server.publish("lobby")
        server.close(code)
        assert await take(lobby, 1) == [1]
        with pytest.raises(Closed) as closed:
            await anext(lobby)
        assert (closed.value.code, closed.value.reason) == (code, "as told")


async def test_what_cannot_be_replayed_shows_as_a_resync(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby") as lobby:
        server.epoch = "e2"
        server.publish("lobby")
        await anext(lobby)
        server.cut()
        assert await anext(lobby) == Resync("lobby", "e2", 1)
        server.publish("lobby")
        assert await take(lobby, 1) == [2]
        assert lobby.epoch == "e2"


async def test_rooms_share_one_connection(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby") as lobby, client.subscribe("attic") as attic:
        server.publish("attic")
        server.publish("lobby")
        assert await take(lobby, 1) == await take(attic, 1) == [1]
        assert len(server.heads) == 1


async def test_a_room_is_subscribed_to_once_at_a_time(client: Client, server: FaultyServer) -> None:
    async with client.subscribe("lobby"):
        with pytest.raises(ValueError, match="already"):
            client.subscribe("lobby")
    server.publish("lobby")
    assert await take(client.subscribe("lobby", since=Cursor("e1", 0)), 1) == [1]


async def test_an_answer_to_an_older_subscription_is_not_taken_for_the_newer_ones(
    client: Client, server: FaultyServer
) -> None:
    server.publish("lobby")
    async with client.subscribe("attic"):
        client.subscribe("lobby").close()
        assert await take(client.subscribe("lobby", since=Cursor("e1", 0)), 1) == [1]


async def test_leaving_the_loop_leaves_the_room(client: Client, server: FaultyServer) -> None:
    async for _ in client.subscribe("lobby", since=Cursor("other", 0)):
        break
    gc.collect()
    assert (await server.frame(type="unsubscribe"))["room"] == "lobby"


async def test_closing_the_client_ends_the_loop(server: FaultyServer) -> None:
    async with Client(server.url, "a-token") as client:
        lobby = client.subscribe("lobby")
        await lobby.ready()
    assert [event async for event in lobby] == []


async def test_a_full_subscription_stops_the_socket_and_loses_nothing(
    client: Client, server: FaultyServer
) -> None:
    async with client.subscribe("lobby") as lobby:
        for _ in range(500):
            server.publish("lobby", "x" * 1000)
        unread = []
        for offset in range(1, 501):
            assert await take(lobby, 1) == [offset]
            unread.append(lobby.unread)
        assert max(unread) <= 10


async def test_readers_in_tasks_of_their_own_wait_together(client: Client, server: FaultyServer) -> None:
    subscriptions = [client.subscribe(f"room-{number}") for number in range(5)]
    await asyncio.gather(*(subscription.ready() for subscription in subscriptions))
    readers = [asyncio.create_task(take(subscription, 1)) for subscription in subscriptions]
    for number in range(5):
        server.publish(f"room-{number}")
    assert await asyncio.gather(*readers) == [[1]] * 5
