"""Whatever is done to events on their way, and whoever is killed: the tables are as the events in order."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intakes import NOW, Log, Room, ScriptedFeed, running, until
from projected import folded, tables

from chassis.database import Pool
from events import CommentPosted, Record
from events.testing import MemoryNats
from notifier import intake
from notifier.intake import Intake


@dataclass(frozen=True)
class Step:
    """A batch to one of two processes, which perhaps is killed after so many turns of the loop."""

    process: int
    picks: Sequence[int]
    killed: int | None


STEP = st.builds(
    Step,
    process=st.integers(0, 1),
    picks=st.lists(st.integers(0, 10_000), min_size=1, max_size=12),
    killed=st.one_of(st.none(), st.none(), st.integers(0, 40)),
)
DEED = st.tuples(
    st.sampled_from(["post", "post", "post", "edit", "delete", "join", "leave", "attributes"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["ada", "bob", "cyd"]),
)


def do(room: Room, deed: str, user: str) -> None:
    """As the comments service would: it refuses what makes no sense."""
    gone = {event.comment for event in room.events if event.type == "comment.deleted"}
    own = [
        event
        for event in room.events
        if isinstance(event, CommentPosted) and event.actor == user and event.comment not in gone
    ]
    match deed:
        case "post":
            room.post(user, f"number {len(room.events)}", ago=len(room.events) % 3 * 1800)
        case "edit" if own:
            room.edit(own[len(room.events) % len(own)], f"edited {len(room.events)}", mentions=["bob"])
        case "delete" if own:
            room.delete(own[len(room.events) % len(own)])
        case "join":
            room.join(user)
        case "leave":
            room.leave(user)
        case "attributes":
            room.attributes(title=f"title {len(room.events)}")


class Replica:
    """A process that may be killed; what it had not confirmed comes again to another."""

    def __init__(self, pool: Pool, nats: MemoryNats, app: str) -> None:
        self._pool, self._nats, self._app = pool, nats, app
        self.given: list[Record] = []
        self.begin()

    def begin(self) -> None:
        self.feed = ScriptedFeed()
        found = Intake(
            self._pool, self.feed, self._nats, self._app, delay=3, ttl=3600, batch=500, now=lambda: NOW
        )
        self._running = running(found.run())

    async def start(self) -> None:
        await self._running.__aenter__()

    def give(self, *records: Record) -> None:
        self.given += records
        self.feed.give(*records)

    async def kill(self) -> list[Record]:
        """What comes again."""
        await self._running.__aexit__(None, None, None)
        left, self.given = [each for each in self.given if each not in self.feed.confirmed], []
        self.begin()
        await self.start()
        return left

    @property
    def idle(self) -> bool:
        return all(record in self.feed.confirmed for record in self.given)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEED, min_size=1, max_size=25), steps=st.lists(STEP, max_size=8))
async def test_any_delivery_to_two_processes_makes_the_tables_that_the_events_in_order_make(
    deeds: list[tuple[str, str, str]], steps: list[Step], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PATIENCE_SECONDS", 0.002)
    app, nats = f"test-{uuid.uuid4().hex[:12]}", MemoryNats()
    rooms = {name: Room(app, name) for name in "ab"}
    log = Log(*rooms.values(), cut=3)
    await log.serve(nats, app)
    for deed, name, user in deeds:
        do(rooms[name], deed, user)
    records = [record for room in rooms.values() for record in room.records]
    replicas = [Replica(pool, nats, app) for _ in range(2)]
    for replica in replicas:
        await replica.start()
    for step in steps if records else ():
        replica = replicas[step.process]
        replica.give(*[records[pick % len(records)] for pick in step.picks])
        if step.killed is not None:
            for _ in range(step.killed):
                await asyncio.sleep(0)
            replicas[1 - step.process].give(*await replica.kill())
    replicas[0].give(*reversed(records[::2]))
    replicas[1].give(*records[1::2])
    await until(lambda: all(replica.idle for replica in replicas))
    for replica in replicas:
        await replica.kill()
    written = [room for room in rooms.values() if room.events]
    assert await tables(pool, app) == folded(*written)
