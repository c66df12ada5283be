"""Rooms, people and devices as the notifier's tables have them, for tests of what stands on these."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import asyncpg

from chassis.database import Pool

ROOM = "chat-5-12"


@dataclass
class World:
    """Of one app."""

    pool: Pool
    app: str = "test"
    _offsets: Iterator[int] = field(default_factory=lambda: count(1))

    async def room(self, room: str = ROOM, title: str | None = None) -> None:
        await self.pool.execute(
            "insert into notifier.rooms (app, room, epoch, head, title) values ($1, $2, 'e', 1000, $3)",
            self.app, room, title,
        )  # fmt: skip

    async def member(self, *users: str, room: str = ROOM, delivered: int = 0, read: int = 0) -> None:
        await self.pool.execute(
            'insert into notifier.members (app, room, "user", since, delivered, read) '
            "select $1, $2, u, 1, $4, $5 from unnest($3::text[]) as u on conflict (app, room, \"user\") "
            "do update set delivered = excluded.delivered, read = excluded.read",
            self.app, room, list(users), delivered, read,
        )  # fmt: skip

    async def device(self, user: str, id: str | None = None, platform: str = "webpush") -> str:  # noqa: A002
        name = id or f"d-{user}"
        await self.pool.execute(
            'insert into notifier.devices (app, id, "user", platform, address) values ($1, $2, $3, $4, $5)',
            self.app, name, user, platform, f"address of {name}",
        )  # fmt: skip
        return name

    async def comment(
        self,
        body: str = "hello",
        *,
        author: str = "ada",
        room: str = ROOM,
        ago: float = 0.0,
        due: bool = True,
        mentions: Sequence[str] = (),
        trace: str | None = None,
        urgent: bool = False,
    ) -> tuple[UUID, int]:
        """Its id and offset; it is due to be decided now."""
        id_, offset = uuid4(), next(self._offsets)
        at = datetime.now(UTC) - timedelta(seconds=ago)
        await self.pool.execute(
            'insert into notifier.comments (app, room, "offset", id, event, author, author_name, body, '
            "at, look_at, mentions, trace, urgent) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            self.app, room, offset, id_, uuid4(), author, author.title(), body, at,
            at if due else None, list(mentions), trace, urgent,
        )  # fmt: skip
        return id_, offset

    async def pushes(self) -> list[asyncpg.Record]:
        return await self.pool.fetch(
            'select * from notifier.pushes where app = $1 order by "user", device, "offset", kind', self.app
        )

    async def told(self) -> list[tuple[str, int, str, str]]:
        """Device, offset, state and reason of each push."""
        return [(row["device"], row["offset"], row["state"], row["reason"]) for row in await self.pushes()]

    async def spared(self) -> list[tuple[str, int, int, str]]:
        """User, first, last and reason of each decision against pushes."""
        rows = await self.pool.fetch(
            'select "user", first, last, reason from notifier.decisions where app = $1 order by 1, 2',
            self.app,
        )
        return [tuple(row) for row in rows]

    async def make_due(self) -> None:
        """What waits for a later time is due now."""
        await self.pool.execute("update notifier.pushes set not_before = now() where app = $1", self.app)

    async def quiet(self, user: str) -> None:
        """From an hour ago to an hour from now."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        start, end = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
        await self.pool.execute(
            "insert into notifier.preferences (app, \"user\", room, level, preview, muted_users, quiet_from, "
            "quiet_to, quiet_zone) values ($1, $2, '', 'all', true, '{}', $3, $4, 'UTC')",
            self.app, user, start, end,
        )  # fmt: skip

    async def took_back(self) -> None:
        """What was pushed was read elsewhere."""
        await self.pool.execute(
            'insert into notifier.pushes (app, kind, room, "offset", event, comment, "user", device, '
            "platform, reason, not_before, expires_at) select app, 'read', room, "
            '"offset", event, comment, "user", device, '
            "platform, 'read_elsewhere', now(), now() + interval '1 hour' from notifier.pushes"
        )
