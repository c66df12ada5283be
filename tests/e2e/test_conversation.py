"""The services as processes: what is posted through any replica is seen through any other."""

import asyncio
import uuid
from itertools import pairwise

import httpx
from processes import Cluster, Process, token

from parley import Client, Cursor, Event, Resync, Subscription

POSTS = 60

PATIENCE = 60
"""Seconds after which something that was to come is missing."""


def client(process: Process, user: str = "u1") -> Client:
    return Client(process.url, token(user))


async def take(subscription: Subscription, count: int) -> list[Event]:
    async with asyncio.timeout(PATIENCE):
        events = [await anext(subscription) for _ in range(count)]
    assert not any(isinstance(event, Resync) for event in events)
    return [event for event in events if isinstance(event, Event)]


def room() -> str:
    return f"room-{uuid.uuid4().hex[:12]}"


async def test_post_see_leave_return_and_resume(services: Cluster) -> None:
    lobby = room()
    async with client(services.comments[0], "ann") as ann, client(services.fanouts[0], "bob") as bob:
        async with bob.subscribe(lobby) as seen:
            posted = await ann.post(lobby, "one")
            [first] = await take(seen, 1)
            cursor = seen.cursor
        assert (first.type, first.offset, first.actor) == ("comment.posted", 1, "ann")
        assert first.data["comment"] == posted["id"]
        assert (first.data["body"], first.data["authorName"]) == ("one", "Name of ann")
        missed = [await ann.post(lobby, body) for body in ("two", "three")]
        async with bob.subscribe(lobby, since=cursor) as seen:
            assert seen.recovered
            live = await ann.post(lobby, "four")
            events = await take(seen, 3)
        assert [event.data["comment"] for event in events] == [each["id"] for each in (*missed, live)]
        page = await ann.history(lobby)
    assert [comment["body"] for comment in page["comments"]] == ["one", "two", "three", "four"]


async def test_edits_and_deletions_are_seen_and_kept(services: Cluster) -> None:
    lobby = room()
    async with client(services.comments[0]) as ann, client(services.fanouts[1]) as bob:
        async with bob.subscribe(lobby) as seen:
            comment = (await ann.post(lobby, "draft"))["id"]
            await ann.edit(comment, "final")
            await ann.remove(comment)
            events = await take(seen, 3)
        versions = await ann.history_of(comment)
    assert [event.type for event in events] == ["comment.posted", "comment.edited", "comment.deleted"]
    assert events[1].data["body"] == "final"
    assert [version["type"] for version in versions] == [event.type for event in events]


async def test_posters_through_both_replicas_are_seen_by_all_in_one_order(services: Cluster) -> None:
    lobby = room()
    posters = [client(process, f"p{number}") for number, process in enumerate(services.comments * 4)]
    watchers = [client(process, f"w{number}") for number, process in enumerate(services.fanouts * 3)]
    feeds = [watcher.subscribe(lobby) for watcher in watchers]
    await asyncio.gather(*(feed.ready() for feed in feeds))

    async def post(poster: Client, name: int) -> list[str]:
        return [(await poster.post(lobby, f"{name} {number}"))["id"] for number in range(POSTS)]

    posted = await asyncio.gather(*(post(poster, name) for name, poster in enumerate(posters)))
    total = len(posters) * POSTS
    seen = await asyncio.gather(*(take(feed, total) for feed in feeds))
    await asyncio.gather(*(each.close() for each in [*posters, *watchers]))

    assert [event.offset for event in seen[0]] == list(range(1, total + 1))
    assert all(events == seen[0] for events in seen)
    order = {event.data["comment"]: event.offset for event in seen[0]}
    assert len(order) == total
    for own in posted:
        assert all(order[before] < order[after] for before, after in pairwise(own))


async def test_a_post_repeated_through_another_replica_is_one_comment(services: Cluster) -> None:
    lobby, key = room(), uuid.uuid4().hex
    path, headers = f"/v1/rooms/{lobby}/comments", {"Authorization": f"Bearer {token()}"}
    async with (
        client(services.fanouts[0]) as watcher,
        httpx.AsyncClient(headers=headers) as http,
        watcher.subscribe(lobby) as seen,
    ):
        posts = (
            http.post(process.url + path, json={"body": "once", "clientId": key})
            for process in services.comments * 4
        )
        answers = await asyncio.gather(*posts)
        other = await http.post(services.comments[1].url + path, json={"body": "twice", "clientId": key})
        last = await http.post(services.comments[1].url + path, json={"body": "last"})
        events = await take(seen, 2)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert other.status_code == 409
    assert [event.data.get("body") for event in events] == ["once", "last"]
    assert events[1].offset == last.json()["offset"] == 2


async def test_one_who_moves_to_another_fanout_goes_on_where_they_were(services: Cluster) -> None:
    lobby = room()
    async with client(services.comments[0]) as poster:
        cursor: Cursor | None = None
        offsets: list[int] = []
        for turn in range(6):
            async with (
                client(services.fanouts[turn % 2]) as watcher,
                watcher.subscribe(lobby, cursor) as seen,
            ):
                await poster.post(lobby, f"turn {turn}")
                await poster.post(lobby, f"turn {turn} again")
                offsets += [event.offset for event in await take(seen, 2)]
                cursor = seen.cursor
    assert offsets == list(range(1, 13))
