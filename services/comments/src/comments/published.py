"""Whether the stream has what the log says that it should have, and nothing else."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from comments import scan
from comments.findings import SHOWN, Finding, Findings, Remedy, shown, stretch
from comments.scan import RoomRow
from comments.spans import Spans
from events import Record, rfc3339
from events.reading import Message, NoStream, Reader

Progress = Callable[[str, int, int], None]

MARGIN = timedelta(hours=2)
"""An event so near to the age at which the stream drops it may be gone, or not have been published again."""

Name = tuple[str, str]
"""App and room."""


BEHIND = "the log is behind the stream: was a backup restored? Then run: parley log restored"


@dataclass(slots=True)
class Stretch:
    """Things of one kind: how many, and two values that say where."""

    count: int = 0
    first: int = 0
    last: int = 0


class Published:
    """`snapshot` is a connection in a snapshot: what is in its log and not in its outbox was published.

    `live` is one outside: whatever the stream has was committed before, so the log must have it now.
    """

    def __init__(
        self,
        snapshot: asyncpg.Connection,
        live: asyncpg.Connection,
        stream: Reader,
        findings: Findings,
        progress: Progress,
    ) -> None:
        self._snapshot = snapshot
        self._live = live
        self._stream = stream
        self._findings = findings
        self._progress = progress
        self._spans: defaultdict[Name, Spans] = defaultdict(Spans)
        """What the stream has of each room, in the log's epoch."""
        self._beyond: defaultdict[Name, Spans] = defaultdict(Spans)
        """Of these, what the log does not have."""
        self._late: defaultdict[Name, Stretch] = defaultdict(Stretch)
        """Events that come after later ones; the first of them, and the last one before it."""
        self._strangers: defaultdict[tuple[str, str], Stretch] = defaultdict(Stretch)
        """Messages of another epoch than the log's, by both; their sequences."""
        self.messages = 0
        self.repeats = 0

    async def run(self, apps: Sequence[str]) -> None:
        """Raise `StreamError`, or asyncpg's errors."""
        try:
            age = await self._stream.max_age()
        except NoStream as reason:
            self._findings.add(Finding("stream", str(reason), remedy="stream rebuild"))
            return
        for app in apps:
            await self._read(app)
        self._summarise()
        since = datetime.now(UTC) - timedelta(seconds=age) + MARGIN if age else None
        async for rooms in scan.rooms(self._snapshot):
            await self._missing(rooms, since)

    async def _read(self, app: str) -> None:
        async with aclosing(self._stream.pages(app)) as pages:
            async for page, rest in pages:
                self.messages += len(page)
                self._progress("reading the stream", self.messages, self.messages + rest)
                await self._compare(page)

    async def _compare(self, page: Sequence[Message]) -> None:
        known: list[tuple[Message, Record]] = []
        for message in page:
            try:
                known.append((message, message.record()))
            except ValueError as reason:
                self._add(f"message {message.sequence} on {message.subject} is no event: {reason}")
        rows = await self._live.fetch(
            _LOGGED,
            [record.app for _, record in known],
            [record.room for _, record in known],
            [record.offset for _, record in known],
        )
        for (message, record), row in zip(known, rows, strict=True):
            self._one(message, record, row)

    def _one(self, message: Message, record: Record, row: asyncpg.Record) -> None:
        room = record.app, record.room
        if record.epoch != row["epoch"]:
            strangers = self._strangers[record.epoch, row["epoch"]]
            strangers.count += 1
            strangers.first, strangers.last = strangers.first or message.sequence, message.sequence
        elif row["id"] is None:
            self._beyond[room].add(record.offset)
        else:
            self._contents(message, record, row)
            self._place(room, record.offset)

    def _place(self, room: Name, offset: int) -> None:
        spans = self._spans[room]
        last = spans.last
        if not spans.add(offset):
            self.repeats += 1
        elif offset < last:
            late = self._late[room]
            if not late.count:
                late.first, late.last = offset, last
            late.count += 1

    def _contents(self, message: Message, record: Record, row: asyncpg.Record) -> None:
        at = f"message {message.sequence}"
        there, logged = f"{record.type} at {record.at}", f"{row['type']} at {rfc3339(row['at'])}"
        if record.id != row["id"]:
            said = f"{at} is the event {record.id}, the log has {row['id']}; {BEHIND}"
            self._found(said, record, record.offset, "log restored")
        elif record.data != (data := row["data"].encode()):
            said = f"{at} is not byte for byte the log's event: {_where(record.data, data)}"
            self._found(said, record, record.offset, "stream rebuild --afresh")
        elif there != logged:
            self._found(
                f"{at} says {there}, the log {logged}", record, record.offset, "stream rebuild --afresh"
            )

    def _summarise(self) -> None:
        for (app, room), spans in self._beyond.items():
            stretches = ", ".join(stretch(*each) for each in spans.stretches())
            said = f"the stream has {stretches}, the log has not; {BEHIND}"
            self._add(said, app, room, remedy="log restored")
        for (app, room), late in self._late.items():
            said = f"{late.count} events come too late, the first after offset {late.last}"
            self._add(said, app, room, late.first, remedy="stream rebuild")
        for (epoch, ours), each in self._strangers.items():
            said = f"{each.count} messages, {each.first} to {each.last}, are of the epoch {epoch}"
            self._add(f"{said}, the log's is {ours}: was a backup restored? Then run: parley log restored")

    async def _missing(self, rooms: Sequence[RoomRow], since: datetime | None) -> None:
        """What was published, is young enough to be kept, and is not in the stream."""
        gaps = [
            (room.key, *gap)
            for room in rooms
            for gap in self._spans.get((room.app, room.id), Spans()).missing(room.head)
        ]
        by_key = {room.key: room for room in rooms}
        for row in await self._snapshot.fetch(_UNPUBLISHED, *columns(gaps, 3), since):
            room = by_key[row["room"]]
            said = f"the stream lacks {stretch(row['first'], row['last'])}"
            self._add(said, room.app, room.id, remedy="stream rebuild")

    def _found(self, said: str, record: Record, offset: int, remedy: Remedy) -> None:
        self._add(said, record.app, record.room, offset, remedy=remedy)

    def _add(
        self,
        said: str,
        app: str | None = None,
        room: str | None = None,
        offset: int | None = None,
        *,
        remedy: Remedy = "stream rebuild --afresh",
    ) -> None:
        self._findings.add(Finding("stream", said, app, room, offset, remedy))


def columns(rows: Sequence[tuple[int, ...]], width: int) -> list[list[int]]:
    return [[row[column] for row in rows] for column in range(width)]


def _where(there: bytes, logged: bytes) -> str:
    """The place from which on they differ."""
    common = next((at for at, (a, b) in enumerate(zip(there, logged, strict=False)) if a != b), 0)
    start = max(0, common - 10)
    cut = [shown(each[start : start + SHOWN].decode(errors="replace")) for each in (there, logged)]
    return f"from byte {common} on it is {cut[0]}, the log has {cut[1]}"


_LOGGED = """
    select coalesce(room.epoch, log.epoch) as epoch, event.id, event.type, event.at, event.data
    from comments.log, unnest($1::text[], $2::text[], $3::bigint[]) with ordinality
        as asked (app, room, "offset", place)
    left join comments.rooms as room on room.app = asked.app and room.id = asked.room
    left join comments.events as event on event.room = room.key and event."offset" = asked."offset"
    order by asked.place
"""
_UNPUBLISHED = """
    select room, min("offset") as first, max("offset") as last
    from (
        select event.room, event."offset",
            event."offset" - row_number() over (partition by event.room order by event."offset") as run
        from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as gap (room, first, last)
        join comments.events as event
            on event.room = gap.room and event."offset" between gap.first and gap.last
        where ($4::timestamptz is null or event.at >= $4) and not exists (
            select from comments.outbox as waiting
            where waiting.room = event.room and waiting."offset" = event."offset"
        )
    ) as unpublished
    group by room, run order by room, first
"""
