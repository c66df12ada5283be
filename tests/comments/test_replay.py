"""Who asks for a page of the log gets it, unless too many do."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from contract.recording import PATIENCE

from comments.commands import PostComment
from comments.database import Pool
from comments.ids import uuid7
from comments.postgres import PostgresLog
from comments.questions import Turns
from comments.reader import Reader
from comments.replay import replay
from events import decode, subjects
from events.jetstream import Nats
from events.replay import ReplayRequest, decode_page
from events.testing import MemoryNats


def post(body: str = "x", room: str = "a") -> PostComment:
    return PostComment(room=room, actor="u1", comment=uuid7(), body=body)


@pytest.fixture
def reader(pool: Pool) -> Reader:
    return Reader(pool, "app")


@pytest.fixture
def log(pool: Pool) -> PostgresLog:
    return PostgresLog(pool, "app")


async def test_replay_answers_over_nats(reader: Reader, log: PostgresLog, nats: Nats, app: str) -> None:
    await log.append([post() for _ in range(5)])
    serving = asyncio.create_task(replay(reader, nats, "app", Turns(2, 10)).run())
    try:
        request = ReplayRequest(app="app", room="a", after=2, limit=2).model_dump_json().encode()
        page = decode_page(await answered(nats, request))
        assert (page.head, page.first) == (5, 3)
        assert [decode(event).offset for event in page.events] == [3, 4]
    finally:
        serving.cancel()
        await asyncio.wait([serving])


async def answered(nats: Nats, request: bytes) -> bytes:
    """The answer, once somebody serves: the subscription is on its way."""
    await nats.ping()
    return await nats.request(subjects.REPLAY, request, PATIENCE)


MALFORMED = [
    b"",
    b"{",
    b"[" * 4000,
    b"\xff",
    b"{}",
    b'{"app":"app","room":"*","after":0,"limit":1}',
    b'{"app":"app","room":"a","after":-1,"limit":1}',
    b'{"app":"app","room":"a","after":99999999999999999999,"limit":1}',
    b'{"app":"app","room":"a","after":0,"limit":1001}',
    b'{"app":"\\u0000","room":"a","after":0,"limit":1}',
]


async def test_a_malformed_replay_request_is_answered_with_nothing(reader: Reader) -> None:
    pages = replay(reader, MemoryNats(), "app", Turns(2, 10))
    assert [await pages.answer(request) for request in MALFORMED] == [b""] * len(MALFORMED)
    assert pages.served == 0


async def test_the_replay_of_another_app_is_left_to_it(reader: Reader) -> None:
    request = ReplayRequest(app="another", room="a", after=0, limit=1).model_dump_json().encode()
    assert await replay(reader, MemoryNats(), "app", Turns(2, 10)).answer(request) is None


REQUEST = ReplayRequest(app="app", room="a", after=0, limit=10).model_dump_json().encode()


class Held:
    """Nobody can read a page until it is released; who posts in a known room is not affected."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def begin(self) -> None:
        await self._connection.execute("begin; lock table comments.log in access exclusive mode")

    async def release(self) -> None:
        await self._connection.execute("rollback")


@pytest.fixture
async def held(owner: asyncpg.Connection, log: PostgresLog) -> AsyncIterator[Held]:
    await log.append([post()])
    held = Held(owner)
    await held.begin()
    yield held
    await held.release()


async def test_posts_go_on_while_everybody_asks_for_pages(
    reader: Reader, log: PostgresLog, held: Held
) -> None:
    """The pool has four connections."""
    replaying = replay(reader, MemoryNats(), "app", Turns(2, 1000))
    asked = [asyncio.create_task(replaying.answer(REQUEST)) for _ in range(100)]
    await log.append([post()])
    await held.release()
    pages = [decode_page(page or b"") for page in await asyncio.gather(*asked)]
    assert {page.head for page in pages} == {2}
    assert replaying.served == 100


async def test_who_asks_when_too_many_wait_is_told_at_once(reader: Reader, held: Held) -> None:
    turns = Turns(1, 2)
    pages = replay(reader, MemoryNats(), "app", turns)
    asked = [asyncio.create_task(pages.answer(REQUEST)) for _ in range(10)]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result() for task in done} == {b""}
    await held.release()
    answers = await asyncio.gather(*asked)
    assert answers.count(b"") == turns.turned_away == 7
    assert pages.served == 3


async def test_a_request_that_waited_too_long_is_not_read_any_more(reader: Reader, held: Held) -> None:
    """Whoever sent it has given up."""
    turns = Turns(1, 10, patience=0)
    pages = replay(reader, MemoryNats(), "app", turns)
    asked = [asyncio.create_task(pages.answer(REQUEST)) for _ in range(3)]
    while turns.waiting < 2:
        await asyncio.sleep(0)
    await held.release()
    first, *late = await asyncio.gather(*asked)
    assert first
    assert late == [None, None]
    assert (pages.served, turns.turned_away, turns.waiting) == (1, 2, 0)
