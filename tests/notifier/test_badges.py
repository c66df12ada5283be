"""What people have not read, though comments does not answer for many of them at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from comments.database import Pool, connect
from comments.questions import Turns
from comments.unread import ENTRIES, UnreadReader
from comments.unread_answers import unread_of
from events import NoAnswer, subjects
from events.receipts import MAX_USERS, RoomUnread, UnreadAnswer, UnreadRequest
from events.testing import MemoryNats
from notifier import badges as module
from notifier.badges import Badges

APP = "test"
USERS = [f"u{number:03}" for number in range(MAX_USERS)]


@dataclass
class Comments:
    """Everybody is in some rooms, of which one answer holds so many; one comment is unread in each."""

    rooms: int
    holds: int = 3_000
    asked: list[int] = field(default_factory=list)
    """How many users, each time."""
    silent_after: int = 1_000
    """Questions."""
    delay: float = 0.0

    async def answer(self, request: bytes) -> bytes | None:
        users = UnreadRequest.decode(request).users
        self.asked.append(len(users))
        if len(self.asked) > self.silent_after:
            return None
        await asyncio.sleep(self.delay)
        if len(users) * self.rooms > self.holds:
            return b""
        return UnreadAnswer(users={user: self._unread() for user in users}).encode()

    def _unread(self) -> list[RoomUnread]:
        names = (f"room-{number}" for number in range(self.rooms))
        return [RoomUnread(room=name, head=1, read=0, unread=1, mentioned=False) for name in names]


async def badges_of(comments: Comments) -> Badges:
    nats = MemoryNats()
    await nats.serve(subjects.UNREAD, "comments", comments.answer)
    return Badges(nats, APP)


async def test_all_are_asked_for_at_once_if_the_answer_holds_them() -> None:
    comments = Comments(rooms=15)
    assert await (await badges_of(comments)).of([*USERS, *USERS]) == dict.fromkeys(USERS, 15)
    assert comments.asked == [MAX_USERS]


async def test_fewer_are_asked_for_where_an_answer_does_not_hold_all() -> None:
    comments = Comments(rooms=16)
    badges = await badges_of(comments)
    assert await badges.of(USERS) == dict.fromkeys(USERS, 16)
    assert (comments.asked, badges.unanswered) == ([200, 100, 100], 0)


@pytest.mark.parametrize("users", [USERS[:1], USERS[:7]])
async def test_in_the_end_each_is_asked_for_alone(users: Sequence[str]) -> None:
    comments = Comments(rooms=10, holds=10)
    assert await (await badges_of(comments)).of(users) == dict.fromkeys(users, 10)


async def test_if_nothing_is_known_even_of_one_the_others_are_not_asked_for() -> None:
    comments = Comments(rooms=1, holds=0)
    badges = await badges_of(comments)
    assert await badges.of(USERS) == {}
    assert (comments.asked, badges.unanswered) == ([200, 100, 50, 25, 12, 6, 3, 1], 1)


async def test_an_answer_that_does_not_come_is_not_asked_for_again() -> None:
    comments = Comments(rooms=1, silent_after=0)
    badges = await badges_of(comments)
    assert await badges.of(USERS) == {}
    assert (comments.asked, badges.unanswered) == ([200], 1)


async def test_nats_that_is_away_is_asked_once() -> None:
    class Away(MemoryNats):
        asked = 0

        async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:
            self.asked += 1
            raise NoAnswer("away")

    nats = Away()
    assert await Badges(nats, APP).of(USERS) == {}
    assert nats.asked == 1


async def test_what_was_known_when_an_answer_did_not_come_is_kept() -> None:
    comments = Comments(rooms=16, silent_after=2)
    badges = await badges_of(comments)
    assert await badges.of(USERS) == dict.fromkeys(USERS[:100], 16)
    assert (comments.asked, badges.unanswered) == ([200, 100, 100], 1)


async def test_what_is_known_in_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    comments = Comments(rooms=10, holds=10, delay=0.02)
    badges = await badges_of(comments)
    known = await badges.of(USERS)
    assert 0 < len(known) < len(USERS)
    assert (list(known), badges.unanswered) == (USERS[: len(known)], 1)


@pytest.fixture
async def of_comments(database_url: str) -> AsyncIterator[Pool]:
    pool = await connect(database_url, size=4, timeout=5)
    yield pool
    await pool.close()


async def test_who_are_in_more_rooms_than_comments_tells_of_at_once_have_a_badge(of_comments: Pool) -> None:
    rooms, pool = ENTRIES // MAX_USERS + 1, of_comments
    await pool.execute(_ROOMS, APP, rooms)
    await pool.execute(_MEMBERS, MAX_USERS)
    nats = MemoryNats()
    questions = unread_of(UnreadReader(pool, APP), nats, APP, Turns(2, 10), rooms=1_000)
    await nats.serve(subjects.UNREAD, "comments", questions.answer)
    assert await Badges(nats, APP).of(USERS) == dict.fromkeys(USERS, 0)


_ROOMS = "insert into comments.rooms (app, id, epoch) select $1, n, 'e' from generate_series(1, $2::int) as n"
_MEMBERS = """
    insert into comments.members (room, "user", joined_at)
    select key, 'u' || lpad(n::text, 3, '0'), now()
    from comments.rooms cross join generate_series(0, $1::int - 1) as n
"""
