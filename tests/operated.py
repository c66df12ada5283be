"""A log that was written to and published, and what its verification says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from comments.commands import Command, DeleteComment, EditComment, Join, Leave, PostComment, SetAttributes
from comments.database import Pool
from comments.findings import Finding, Findings
from comments.ids import uuid7
from comments.log import Outcome, Stored
from comments.postgres import PostgresLog
from comments.verify import Verified, verify
from events import Stream
from events.reading import reading


@dataclass
class Operated:
    """`owner` may change what the service may not."""

    app: str
    pool: Pool
    owner: asyncpg.Connection
    stream: Stream
    database_url: str
    nats_url: str
    stored: list[Stored] = field(default_factory=list)
    seen: Verified | None = None
    """What the last verification looked at."""

    async def write(self, commands: Sequence[Command], *, published: bool = True) -> list[Stored]:
        outcomes = await PostgresLog(self.pool, self.app).append(commands)
        stored = [one.stored for one in outcomes if isinstance(one, Outcome) and one.stored]
        self.stored += stored
        if published:
            await self.publish(stored)
        return stored

    async def publish(self, stored: Sequence[Stored]) -> None:
        for ack in [await self.stream.publish(each.record) for each in stored]:
            await ack
        rows = [(each.key, each.record.offset) for each in stored]
        await self.owner.executemany('delete from comments.outbox where room = $1 and "offset" = $2', rows)

    async def conversation(self, room: str = "lobby", posts: int = 10) -> list[UUID]:
        """Everything that can happen in a room; the ids of its comments."""
        ids = [uuid7() for _ in range(posts)]
        edit = EditComment(room=room, actor="u1", moderator=True, comment=ids[0], changes={"body": "edited"})
        await self.write(
            [
                SetAttributes(room=room, actor="u1", attributes={"title": "Grüße", "n": 1.5}),
                *[post(room, each, key=f"k{at}") for at, each in enumerate(ids)],
                edit,
                DeleteComment(room=room, actor="u1", moderator=True, comment=ids[1]),
                Join(room=room, actor="u9", user="u9", name="Nine"),
                Join(room=room, actor="u8", user="u8"),
                Leave(room=room, actor="u8", user="u8"),
            ]
        )
        return ids

    async def reactions(self, room: str = "lobby") -> None:
        """After a conversation: somebody is mentioned (offset 17), and somebody's comments are deleted."""
        ids = [uuid7(), uuid7()]
        await self.write(
            [
                post(room, body="hello, @u9"),
                *[PostComment(room=room, actor="u9", comment=each, body="x") for each in ids],
                *[DeleteComment(room=room, actor="u9", moderator=False, comment=each) for each in ids],
            ]
        )

    async def verify(self, most: int = 100) -> list[Finding]:
        findings = Findings(most)
        async with reading(self.nats_url) as stream:
            self.seen = await verify(self.database_url, stream, self.app, findings, lambda *_: None)
        assert findings.count == len(findings.kept) or findings.count > most
        return findings.kept


def post(room: str, comment: UUID | None = None, body: str = "hello", key: str | None = None) -> PostComment:
    comment = comment or uuid7()
    actor = f"u{comment.int % 3}"
    return PostComment(room=room, actor=actor, comment=comment, body=body, client_id=key, author_name="Name")
