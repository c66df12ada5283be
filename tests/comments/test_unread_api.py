"""`GET /v1/unread`, and the same asked over NATS."""

from collections.abc import AsyncIterator

import httpx
import pytest
from contract.callers import caller, post, problem
from contract.own_postgres import OwnPostgres
from contract.recording import PATIENCE, Heard

from comments.database import Pool, connect
from comments.questions import Turns
from comments.unread import UnreadReader
from comments.unread_answers import unread_of
from events import subjects
from events.jetstream import Nats
from events.receipts import Changes, RoomUnread, UnreadAnswer, UnreadRequest
from events.testing import MemoryNats

U2 = caller("u2", room="team-*")


async def join(api: httpx.AsyncClient, *rooms: str) -> None:
    for room in rooms:
        answer = await api.post(f"/v1/rooms/{room}/members", json={}, headers=caller("u2"))
        assert answer.status_code == 201


async def unread(api: httpx.AsyncClient, **query: object) -> tuple[list[dict[str, object]], str | None]:
    answer = await api.get("/v1/unread", params={key: str(value) for key, value in query.items()}, headers=U2)
    assert answer.status_code == 200, answer.text
    return answer.json()["rooms"], answer.json()["next"]


async def test_a_caller_sees_what_they_have_not_read(api: httpx.AsyncClient) -> None:
    await join(api, "team-1")
    await post(api, "one", "team-1")
    named = await post(api, "hello @u2", "team-1")
    expected = {"room": "team-1", "head": 3, "read": 1, "unread": 2, "mentioned": True}
    assert await unread(api) == ([expected], None)
    assert named["mentions"] == [{"user": "u2", "start": 6, "end": 9}]
    await api.patch(f"/v1/comments/{named['id']}", json={"body": "hello you"})
    assert await unread(api) == ([{**expected, "head": 4, "mentioned": False}], None)
    await api.delete(f"/v1/comments/{named['id']}")
    assert await unread(api) == ([{**expected, "head": 5, "unread": 1, "mentioned": False}], None)


async def test_rooms_come_in_pages_and_only_those_that_the_token_lets_read(api: httpx.AsyncClient) -> None:
    await join(api, "other", "team-1", "team-2", "team-3", "zoo")
    first, following = await unread(api, limit=2)
    assert [each["room"] for each in first] == ["team-1"]
    assert following == "/v1/unread?limit=2&after=team-1"
    second, following = await unread(api, limit=2, after="team-1")
    assert [each["room"] for each in second] == ["team-2", "team-3"]
    last, end = await unread(api, limit=2, after="team-3")
    assert (last, end) == ([], None)


async def test_who_is_not_known_is_told_nothing(api: httpx.AsyncClient) -> None:
    problem(await api.get("/v1/unread", headers={"Authorization": ""}), 401)


# Over NATS


async def asked(nats: Nats, app: str, users: list[str], room: str | None = None) -> UnreadAnswer:
    request = UnreadRequest(app=app, users=users, room=room)
    return UnreadAnswer.decode(await nats.request(subjects.UNREAD, request.encode(), PATIENCE))


async def test_the_service_answers_what_users_have_not_read(
    api: httpx.AsyncClient, nats: Nats, app: str
) -> None:
    await join(api, "team-1", "team-2")
    await post(api, "@u2", "team-1")
    one = RoomUnread(room="team-1", head=2, read=1, unread=1, mentioned=True)
    other = RoomUnread(room="team-2", head=1, read=1, unread=0, mentioned=False)
    assert (await asked(nats, app, ["u2", "u7"])).users == {"u2": [one, other], "u7": []}
    assert (await asked(nats, app, ["u2", "u7"], "team-1")).users == {"u2": [one], "u7": []}
    assert (await asked(nats, app, ["u2"], "nowhere")).users == {"u2": []}


@pytest.fixture
async def lost(own_postgres: OwnPostgres) -> AsyncIterator[Pool]:
    """Postgres was there."""
    pool = await connect(own_postgres.url, size=3, timeout=5)
    await own_postgres.stop()
    yield pool
    await pool.close()


async def test_without_postgres_the_answer_is_empty(lost: Pool) -> None:
    questions = unread_of(UnreadReader(lost, "app"), MemoryNats(), "app", Turns(2, 10), rooms=10)
    assert await questions.answer(UnreadRequest(app="app", users=["u1"]).encode()) == b""
    assert await questions.answer(UnreadRequest(app="app", users=["u1"], room="a").encode()) == b""


async def test_what_does_not_fit_into_an_answer_is_not_answered(pool: Pool) -> None:
    await pool.execute(
        "insert into comments.rooms (app, id, epoch) select 'app', n, 'e' from generate_series(1, 160) as n"
    )
    await pool.execute(
        """
        insert into comments.members (room, "user", joined_at)
        select key, 'u' || n, now() from comments.rooms cross join generate_series(1, 20) as n
        """
    )
    questions = unread_of(UnreadReader(pool, "app"), MemoryNats(), "app", Turns(2, 10), rooms=160)
    users = [f"u{number}" for number in range(1, 21)]
    assert await questions.answer(UnreadRequest(app="app", users=users).encode()) == b""
    answer = await questions.answer(UnreadRequest(app="app", users=users[:10]).encode())
    assert answer is not None
    assert {len(rooms) for rooms in UnreadAnswer.decode(answer).users.values()} == {160}


async def test_whoever_counts_hears_which_rooms_were_written_to(
    api: httpx.AsyncClient, nats: Nats, app: str
) -> None:
    """A change may be told twice: by who committed it, and by who fills a stream that is new."""
    heard: Heard[Changes] = Heard()
    stop = await nats.listen(subjects.changed(app), lambda _, data: heard(Changes.decode(data)))
    await nats.ping()

    async def told(head: int) -> set[str]:
        """Whose membership may be another, once it was told that the room has that head."""
        while True:
            changes = [each for message in heard.all for each in message.changes]
            assert {each.room for each in changes} <= {"team-1"}
            heads = [each.head for each in changes]
            assert max(heads, default=0) <= head
            if head in heads:
                return {user for each in changes for user in each.users}
            await heard.until(len(heard.all) + 1)

    await join(api, "team-1")
    assert await told(1) == {"u2"}
    comment = await post(api, "x", "team-1")
    assert await told(2) == {"u1", "u2"}
    await api.delete(f"/v1/comments/{comment['id']}")
    assert await told(3) == {"u1", "u2"}
    await stop()
