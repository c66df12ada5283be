"""Whether the log is whole, its projections are what it folds to, and the stream has what it should.

The log is read in one snapshot, so that what is posted meanwhile is no finding.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import asyncpg

from comments import derived, scan
from comments.differences import Difference
from comments.findings import Finding, Findings, Part, Remedy, shown
from comments.model import RoomState
from comments.postgres import partition_of
from comments.published import Published
from comments.scan import RoomRow
from comments.survey import Survey
from comments.views import Comment, Member
from events.reading import Reader

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""

KEYS_INDEX = "comments.comments_by_client_id"
"""By which a repeated post is found to be one."""


@dataclass(slots=True)
class Verified:
    """What was looked at."""

    epoch: str
    rooms: int = 0
    events: int = 0
    streamed: int = 0
    """Messages of the stream."""
    repeats: int = 0
    """Of these, events that it has again: whoever consumes them goes by their offsets."""


async def verify(url: str, stream: Reader, app: str, findings: Findings, progress: Progress) -> Verified:
    """Look at every room of the database; `app` is asked for in the stream if there is no room yet.

    Raise asyncpg's errors, `OSError` or `StreamError` if it cannot be looked at.
    """
    snapshot = await scan.connect(url, "parley log verify")
    live = await scan.connect(url, "parley log verify")
    try:
        async with snapshot.transaction(isolation="repeatable_read", readonly=True):
            verification = Verification(snapshot, findings, progress)
            verified = await verification.run()
            published = Published(snapshot, live, stream, findings, progress)
            await published.run(await scan.apps(snapshot) or [app])
            verified.streamed, verified.repeats = published.messages, published.repeats
            return verified
    finally:
        await live.close()
        await snapshot.close()


class Verification:
    """Of the log and its projections, over a connection inside a snapshot."""

    def __init__(self, connection: asyncpg.Connection, findings: Findings, progress: Progress) -> None:
        self._connection = connection
        self._findings = findings
        self._progress = progress

    async def run(self) -> Verified:
        verified = Verified(await self._connection.fetchval("select epoch from comments.log"))
        await self._index()
        await self._outbox()
        total = await scan.size(self._connection)
        async for group in scan.rooms(self._connection):
            survey = Survey(self._connection, group, self._wrong)
            verified.rooms += len(group)
            async for events, comments in survey.windows():
                verified.events += events
                self._progress("reading the log", verified.events, total)
                for each in comments:
                    self._differs(survey.rooms[each.key], each)
            async for room, _, members in survey.members():
                for one in members:
                    self._differs(room, one)
            await self._derived(survey.rooms)
            for room in group:
                self._room(room, verified.epoch, survey.folds[room.key].state)
        return verified

    async def _derived(self, rooms: Mapping[int, RoomRow]) -> None:
        for some in await derived.misnumbered(self._connection, list(rooms)):
            self._found("projections", some.said(), rooms[some.key], some.first, "projections rebuild")
        for kind in derived.KINDS:
            async for found in derived.wrong(self._connection, kind, list(rooms)):
                for each in found:
                    room = rooms[each.room]
                    self._found("projections", each.said(), room, each.offset, "projections rebuild")

    def _differs(self, room: RoomRow, difference: Difference[Comment] | Difference[Member]) -> None:
        offset = difference.place if isinstance(difference.place, int) else None
        self._found("projections", difference.said(), room, offset, "projections rebuild")

    def _room(self, room: RoomRow, epoch: str, folded: RoomState) -> None:
        if room.epoch != epoch:
            self._found(
                "log", f"its epoch is {room.epoch}, the log's is {epoch}", room, remedy="log restored"
            )
        if room.head != folded.head:
            said = f"its head is {room.head}, its last event has offset {folded.head}"
            self._found("log", said, room, remedy="projections rebuild" if room.head < folded.head else None)
        if room.attributes != folded.attributes:
            said = f"its attributes are {shown(room.attributes)}, the log says {shown(folded.attributes)}"
            self._found("projections", said, room, remedy="projections rebuild")

    async def _index(self) -> None:
        if not await self._connection.fetchval(_INDEX, KEYS_INDEX):
            self._found(
                "projections", f"the unique index {KEYS_INDEX} is missing: repeated posts are not recognised"
            )

    async def _outbox(self) -> None:
        for row in await self._connection.fetch(_OUTBOX_STRAYS, self._findings.most):
            self._found(
                "outbox", f"room key {row['room']}, offset {row['offset']}: the log has no such event"
            )
        for row in await self._connection.fetch(_OUTBOX_ROOMS):
            right = partition_of(row["app"], row["id"])
            if row["partition"] != right:
                said = f"room {row['id']} waits in partition {row['partition']}, it belongs to {right}"
                self._found("outbox", said)

    def _wrong(self, room: RoomRow, offset: int | None, said: str) -> None:
        self._found("log", said, room, offset)

    def _found(
        self,
        part: Part,
        said: str,
        room: RoomRow | None = None,
        offset: int | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        app, name = (room.app, room.id) if room is not None else (None, None)
        self._findings.add(Finding(part, said, app, name, offset, remedy))


_INDEX = """
    select exists (
        select from pg_index where indexrelid = to_regclass($1) and indisvalid and indisunique
    )
"""
_OUTBOX_STRAYS = """
    select room, "offset" from comments.outbox as waiting
    where not exists (
        select from comments.events as event
        where event.room = waiting.room and event."offset" = waiting."offset"
    )
    order by room, "offset" limit $1
"""
_OUTBOX_ROOMS = """
    select distinct outbox.partition, room.app, room.id
    from comments.outbox as outbox join comments.rooms as room on room.key = outbox.room
"""
