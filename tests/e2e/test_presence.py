"""Who is here, through two fanout processes and two of presence, whatever is killed."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import nats
import pytest
from anyio.from_thread import BlockingPortal
from nats.aio.msg import Msg
from people import call, guest, until
from processes import Cluster, Process, cluster
from servers import database

from events import subjects
from events.presence import Joined, Left
from parley_cli import embedded
from parley_cli.datadir import DataDir

TTL, HEARTBEAT, DAMPING = 3, 0.5, 0.5
"""Seconds."""


@pytest.fixture(scope="module")
def quick(
    servers_portal: BlockingPortal,
    postgres_server: embedded.Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Two of each, with short times; what a test kills it starts again."""
    wrap = servers_portal.wrap_async_context_manager
    told = {
        "PARLEY_PRESENCE_TTL": str(TTL),
        "PARLEY_HEARTBEAT_SECONDS": str(HEARTBEAT),
        "PARLEY_PRESENCE_DAMPING": str(DAMPING),
        "PARLEY_PRESENCE_LEAD_TTL": "1",
    }
    with (
        DataDir(tmp_path_factory.mktemp("presence")) as datadir,
        wrap(embedded.nats(datadir)) as server,
        wrap(database(postgres_server)) as url,
        cluster(url, server.full_url, told, fanouts=2, presences=2) as running,
    ):
        yield running


def room() -> str:
    return f"room-{uuid.uuid4().hex[:12]}"


@asynccontextmanager
async def overheard(system: Cluster, name: str) -> AsyncIterator[list[tuple[str, str]]]:
    """Every transition of the room that is announced, as others than fanout hear it."""
    heard: list[tuple[str, str]] = []

    async def hear(message: Msg) -> None:
        _, of, transition = subjects.parts(message.subject)
        if of == name and transition == "joined":
            heard.extend(("joined", person.user) for person in Joined.decode(message.data).people)
        elif of == name and transition == "left":
            heard.extend(("left", user) for user in Left.decode(message.data).users)

    client = await nats.connect(system.nats_url)
    try:
        await client.subscribe(subjects.presence_of(system.app), cb=hear)
        await client.flush()
        yield heard
    finally:
        await client.close()


async def test_who_comes_and_goes_is_seen_through_every_process(quick: Cluster) -> None:
    lobby = room()
    async with guest(quick.fanouts[0], "ann", lobby) as ann:
        await ann.sees("ann")
        async with guest(quick.fanouts[1], "bob", lobby) as bob:
            await bob.sees("ann", "bob")
            await ann.sees("ann", "bob")
        await ann.sees("ann")
        assert ann.moves[-2:] == [("joined", "bob"), ("left", "bob")]


async def test_a_second_device_and_a_quick_return_are_no_transition(quick: Cluster) -> None:
    lobby = room()
    async with guest(quick.fanouts[0], "ann", lobby) as ann, overheard(quick, lobby) as heard:
        await ann.sees("ann")
        async with guest(quick.fanouts[1], "bob", lobby) as bob:
            await bob.sees("ann", "bob")
            async with guest(quick.fanouts[0], "bob", lobby):
                pass
        async with guest(quick.fanouts[0], "bob", lobby) as again:
            await again.sees("ann", "bob")
        await ann.sees("ann", "bob")
        await ann.sees("ann")
        assert [move for move in heard if move[1] == "bob"] == [("joined", "bob"), ("left", "bob")]


async def test_people_of_a_killed_fanout_are_gone_and_nobody_else_flickers(quick: Cluster) -> None:
    lobby = room()
    async with guest(quick.fanouts[1], "bob", lobby) as bob, guest(quick.fanouts[1], "carl", lobby) as carl:
        async with guest(quick.fanouts[0], "ann", lobby):
            await bob.sees("ann", "bob", "carl")
            await carl.sees("ann", "bob", "carl")
            seen = len(bob.moves), len(carl.moves)
            quick.fanouts[0].kill()
            await bob.sees("bob", "carl")
            await carl.sees("bob", "carl")
        quick.fanouts[0].start()
        assert bob.moves[seen[0] :] == carl.moves[seen[1] :] == [("left", "ann")]
    quick.fanouts[0].ready()


async def test_what_happens_while_presence_is_away_is_told_rightly_when_it_is_back(quick: Cluster) -> None:
    lobby = room()
    async with guest(quick.fanouts[0], "ann", lobby) as ann, guest(quick.fanouts[1], "bob", lobby):
        async with guest(quick.fanouts[1], "carl", lobby) as carl:
            await ann.sees("ann", "bob", "carl")
            await carl.sees("ann", "bob", "carl")
            before = len(ann.moves)
            for presence in quick.presences:
                presence.kill()
        async with guest(quick.fanouts[1], "dora", lobby):
            for presence in quick.presences:
                presence.start()
            await ann.sees("ann", "bob", "dora")
            assert sorted(ann.moves[before:]) == [("joined", "dora"), ("left", "carl")]
    for presence in quick.presences:
        presence.ready()


async def test_each_transition_is_announced_once_also_when_who_announces_is_killed(quick: Cluster) -> None:
    lobby = room()
    for presence in quick.presences:
        await until(partial(_certain, presence))
    async with guest(quick.fanouts[0], "ann", lobby) as ann, overheard(quick, lobby) as heard:
        await ann.sees("ann")
        for number, presence in enumerate(quick.presences):
            async with guest(quick.fanouts[1], f"before-{number}", lobby):
                await ann.sees("ann", f"before-{number}")
                presence.kill()
                async with guest(quick.fanouts[1], f"after-{number}", lobby):
                    await ann.sees("ann", f"before-{number}", f"after-{number}")
            await ann.sees("ann")
            presence.start()
            presence.ready()
            await until(partial(_certain, presence))
        names = [f"{when}-{number}" for number in range(2) for when in ("before", "after")]
        for name in names:
            assert [kind for kind, user in heard if user == name] == ["joined", "left"]


async def _certain(presence: Process) -> bool:
    """It knows what was announced, so that it could go on where another one stopped."""
    async with httpx.AsyncClient(base_url=presence.url) as http:
        return "parley_presence_certain 1.0" in (await http.get("/metrics")).text


async def test_a_deleted_bucket_heals_and_nobody_seems_to_leave(quick: Cluster) -> None:
    lobby = room()
    async with guest(quick.fanouts[0], "ann", lobby) as ann, guest(quick.fanouts[1], "bob", lobby):
        await ann.sees("ann", "bob")
        before = len(ann.moves)
        client = await nats.connect(quick.nats_url)
        await client.jetstream().delete_stream(f"KV_{subjects.PRESENCE_BUCKET}")
        await client.close()
        async with guest(quick.fanouts[1], "carl", lobby):
            await ann.sees("ann", "bob", "carl")
            assert ann.moves[before:] == [("joined", "carl")]


async def test_in_a_large_room_clients_get_counts_and_those_whom_they_ask_for(quick: Cluster) -> None:
    lobby, here = room(), quick.fanouts[0]
    modest = Process("fanout", {**quick.environ, "PARLEY_PRESENCE_LIST": "2"})
    try:
        modest.ready()
        async with guest(here, "bob", lobby), guest(here, "carl", lobby), guest(modest, "ann", lobby) as ann:
            async with guest(here, "dora", lobby), guest(here, "emil", lobby):
                await ann.hears(lambda frame: frame.get("count") == 5)
                assert "people" not in ann.told[-1] or ann.told[-1]["people"] is None
                answer = await ann.ask("presence", room=lobby, users=["dora", "nobody"])
                assert [(one["user"], one["here"]) for one in answer["asked"]] == [
                    ("dora", True),
                    ("nobody", False),
                ]
                told = len(ann.told)
            await ann.hears(lambda frame: frame.get("left") == ["dora"])
            await ann.hears(lambda frame: frame.get("count") == 3)
            assert {user for frame in ann.told[told:] for user in frame.get("left", ())} == {"dora"}
    finally:
        modest.stop()


async def test_devices_activity_and_last_seen_are_answered(quick: Cluster) -> None:
    lobby = room()
    async with guest(quick.fanouts[0], "ann", lobby) as ann, guest(quick.fanouts[1], "bob", lobby) as bob:
        await ann.sees("ann", "bob")
        assert await bob.ask("activity", activity="idle") == {"type": "ok"}
        await ann.hears(
            lambda frame: (
                ("bob", "idle")
                in [(person["user"], person["activity"]) for person in frame.get("joined", ())]
            )
        )
        answer = await ann.ask("presence", room=lobby, users=["bob", "nobody"])
        [known, unknown] = answer["asked"]
        assert (known["here"], known["activity"], len(known["devices"])) == (True, "idle", 1)
        assert (unknown["here"], unknown["lastSeen"]) == (False, None)

    async def away() -> bool:
        answer = await call(quick.presences[0], "ann", "GET", "/v1/users/bob/presence")
        return answer["here"] is False and answer["lastSeen"] is not None

    await until(away)
