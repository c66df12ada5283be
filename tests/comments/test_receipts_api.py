"""The status of comments, who has read them, and what fanout is told: through the whole service."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from contract.callers import caller, post, problem
from contract.recording import PATIENCE
from watermarked import Rooms, encoded, join

from comments.audiences import Audiences, watermarks_of
from comments.database import Pool
from comments.questions import Turns
from events import subjects
from events.jetstream import Nats
from events.receipts import WatermarksAnswer, WatermarksRequest
from events.testing import MemoryNats

Json = dict[str, Any]


class Room:
    """A room of the service, and what its members acknowledge."""

    def __init__(self, api: httpx.AsyncClient, nats: Nats, app: str, room: str) -> None:
        self.api = api
        self.room = room
        self._nats = nats
        self._app = app

    async def join(self, *users: str) -> None:
        for user in users:
            headers = caller(user, f"Name of {user}")
            answer = await self.api.post(f"/v1/rooms/{self.room}/members", json={}, headers=headers)
            assert answer.status_code == 201, answer.text

    async def leave(self, user: str) -> None:
        path = f"/v1/rooms/{self.room}/members/{user}"
        assert (await self.api.delete(path, headers=caller(user))).status_code == 204

    async def post(self, **more: Any) -> Json:
        """By u1."""
        return await post(self.api, room=self.room, **more)

    async def acknowledge(self, user: str, delivered: int, read: int = 0) -> None:
        data = encoded(datetime.now(UTC), [(user, delivered, read)])
        await (await self._nats.receipts().publish_receipts(self._app, self.room, data))

    async def until(self, comment: Json, done: Callable[[Json], bool]) -> Json:
        """The comment's receipts, once they are so."""
        async with asyncio.timeout(PATIENCE):
            while not done(found := await self.receipts(comment)):
                await asyncio.sleep(0.01)
        return found

    async def receipts(self, comment: Json, query: str = "") -> Json:
        answer = await self.api.get(f"/v1/comments/{comment['id']}/receipts{query}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def get(self, comment: Json) -> Json:
        found: Json = (await self.api.get(f"/v1/comments/{comment['id']}")).json()
        return found


@pytest.fixture
def room(api: httpx.AsyncClient, nats: Nats, app: str) -> Room:
    return Room(api, nats, app, "chat-5-12")


def status(comment: Json) -> tuple[str, bool, bool]:
    """What became of it, and whether it has the times."""
    return comment["status"], comment["deliveredAt"] is not None, comment["readAt"] is not None


async def test_ticks_go_from_sent_to_delivered_to_read(room: Room) -> None:
    await room.join("u1", "u2", "u3")
    comment = await room.post()
    assert status(comment) == ("SENT", False, False)
    await room.acknowledge("u2", 4, 4)
    await room.until(comment, lambda found: found["read"] == 1)
    assert status(await room.get(comment)) == ("SENT", False, False)
    await room.acknowledge("u3", 4)
    await room.until(comment, lambda found: found["delivered"] == 2)
    assert status(await room.get(comment)) == ("DELIVERED", True, False)
    await room.acknowledge("u3", 4, 4)
    await room.until(comment, lambda found: found["read"] == 2)
    found = await room.get(comment)
    assert status(found) == ("READ", True, True)
    assert comment["createdAt"] <= found["deliveredAt"] <= found["readAt"]


async def test_every_answer_has_the_status(room: Room) -> None:
    await room.join("u2")
    comment = await room.post(clientId="k1")
    await room.acknowledge("u2", 2, 2)
    await room.until(comment, lambda found: found["read"] == 1)
    path = f"/v1/comments/{comment['id']}"
    edited = (await room.api.patch(path, json={"body": "edited"})).json()
    page = (await room.api.get(f"/v1/rooms/{room.room}/comments")).json()["comments"]
    plan = (await room.api.patch(f"/api/comments/{comment['id']}", json={"body": "again"})).json()
    for answer in (await room.get(comment), edited, *page, plan):
        assert status(answer) == ("READ", True, True)
        assert (answer["readAt"], answer["deliveredAt"]) == (page[0]["readAt"], page[0]["deliveredAt"])
    repeated = await room.api.post(f"/v1/rooms/{room.room}/comments", json={"body": "hi", "clientId": "k1"})
    assert (repeated.status_code, repeated.json()) == (200, comment), "the first answer again"


async def test_the_status_on_a_page_is_that_of_each_comment(room: Room) -> None:
    await room.join("u2")
    comments = [await room.post() for _ in range(3)]
    await room.acknowledge("u2", 3, 2)
    await room.until(comments[1], lambda found: found["delivered"] == 1)
    other = await post_as(room, "u2")
    page = (await room.api.get(f"/v1/rooms/{room.room}/comments")).json()["comments"]
    assert [status(each)[0] for each in page] == ["READ", "DELIVERED", "SENT", "SENT"]
    assert page[3]["id"] == other["id"]


async def post_as(room: Room, user: str) -> Json:
    path = f"/v1/rooms/{room.room}/comments"
    comment: Json = (await room.api.post(path, json={"body": "hi"}, headers=caller(user))).json()
    return comment


async def test_a_comment_that_nobody_else_can_read_stays_sent(room: Room) -> None:
    comment = await room.post()
    assert status(await room.get(comment)) == ("SENT", False, False)
    found = await room.receipts(comment)
    assert (found["members"], found["delivered"], found["read"], found["receipts"]) == (0, 0, 0, [])


async def test_who_left_is_not_waited_for(room: Room) -> None:
    await room.join("u2", "u3")
    comment = await room.post()
    await room.acknowledge("u2", 3, 3)
    await room.until(comment, lambda found: found["read"] == 1)
    assert status(await room.get(comment))[0] == "SENT"
    await room.leave("u3")
    assert status(await room.get(comment)) == ("READ", True, True)
    assert (await room.receipts(comment))["members"] == 1


async def test_who_comes_later_holds_nothing_back(room: Room) -> None:
    await room.join("u2")
    comment = await room.post()
    await room.acknowledge("u2", 2, 2)
    await room.until(comment, lambda found: found["read"] == 1)
    await room.join("u3")
    assert status(await room.get(comment)) == ("READ", True, True)


async def test_what_somebody_wrote_alone_is_read_when_a_newcomer_reads_not_when_they_join(room: Room) -> None:
    comment = await room.post()
    await room.join("u2", "u3")
    assert status(await room.get(comment)) == ("SENT", False, False)
    found = await room.receipts(comment)
    assert (found["members"], found["delivered"], found["read"], found["receipts"]) == (0, 0, 0, [])
    later = await room.post()
    assert (await room.receipts(later))["members"] == 2
    before = datetime.now(UTC)
    await room.acknowledge("u2", 1, 1)
    found = await room.until(comment, lambda found: found["read"] == 1)
    assert (found["members"], [each["user"] for each in found["receipts"]]) == (1, ["u2"])
    assert datetime.fromisoformat(found["receipts"][0]["readAt"]) >= before
    assert status(await room.get(comment)) == ("READ", True, True)
    assert status(await room.get(later)) == ("SENT", False, False)


async def test_receipts_say_who_and_when_in_pages(room: Room) -> None:
    await room.join("u2", "u1", "u3", "u4")
    comment = await room.post()
    assert comment["offset"] == 5
    await room.acknowledge("u2", 5, 5)
    await room.acknowledge("u4", 5)
    await room.until(comment, lambda found: (found["delivered"], found["read"]) == (2, 1))
    first = await room.receipts(comment, "?limit=2")
    second = (await room.api.get(first["next"])).json()
    assert {key: first[key] for key in ("comment", "offset", "members", "delivered", "read")} == {
        "comment": comment["id"],
        "offset": 5,
        "members": 3,
        "delivered": 2,
        "read": 1,
    }
    said = [
        (each["user"], each["name"], each["deliveredAt"] is not None, each["readAt"] is not None)
        for each in [*first["receipts"], *second["receipts"]]
    ]
    assert said == [
        ("u2", "Name of u2", True, True),
        ("u3", "Name of u3", False, False),
        ("u4", "Name of u4", True, False),
    ]
    assert (len(first["receipts"]), second["next"]) == (2, None)


async def test_receipts_need_the_right_to_read(room: Room) -> None:
    comment = await room.post()
    path = f"/v1/comments/{comment['id']}/receipts"
    elsewhere = await room.api.get(path, headers=caller(room="another"))
    assert problem(elsewhere, 403)["code"] == "forbidden"
    unknown = await room.api.get(f"/v1/comments/{comment['id'][:-4]}0000/receipts")
    assert problem(unknown, 404)["code"] == "unknown_comment"
    assert problem(await room.api.get(path + "?limit=101"), 422)


async def test_in_a_large_room_the_status_is_right_and_no_time_is_told(
    room: Room, pool: Pool, app: str
) -> None:
    rooms = Rooms(pool, app)
    await rooms.fill(room.room, 120)
    comment = await room.post()
    offset = comment["offset"]
    now = datetime.now(UTC)
    for number in range(120):
        await room.acknowledge(f"m{number:04}", offset, offset if number else 0)
    await room.until(comment, lambda found: (found["delivered"], found["read"]) == (120, 119))
    assert status(await room.get(comment)) == ("DELIVERED", False, False)
    await room.acknowledge("m0000", offset, offset)
    found = await room.until(comment, lambda found: found["read"] == 120)
    assert status(await room.get(comment)) == ("READ", False, False)
    assert all(datetime.fromisoformat(each["readAt"]) >= now for each in found["receipts"])


async def test_in_a_large_room_newcomers_do_not_count_for_what_was_said_before(
    room: Room, pool: Pool, app: str
) -> None:
    comment = await room.post()
    await Rooms(pool, app).do(*[join(f"m{number:03}", room.room) for number in range(110)])
    assert status(await room.get(comment)) == ("SENT", False, False)
    await room.acknowledge("m057", 2, 2)
    found = await room.until(comment, lambda found: found["read"] == 1)
    assert (found["members"], [each["user"] for each in found["receipts"]]) == (1, ["m057"])
    assert status(await room.get(comment)) == ("READ", False, False)


# What fanout asks


async def test_fanout_is_told_how_far_everybody_is(room: Room, nats: Nats, app: str) -> None:
    await room.join("u2", "u3")
    comment = await room.post()
    await room.acknowledge("u2", 3, 2)
    await room.until(comment, lambda found: found["delivered"] == 1)
    request = WatermarksRequest(app=app, room=room.room).encode()
    answer = WatermarksAnswer.decode(await nats.request(subjects.WATERMARKS, request, PATIENCE))
    assert [(each.user, each.delivered, each.read) for each in answer.receipts] == [
        ("u1", 3, 3),
        ("u2", 3, 2),
        ("u3", 2, 2),
    ]
    assert [each.newcomer for each in answer.receipts] == [True, False, True]
    assert (answer.members, answer.counts) == (3, None)
    assert answer.epoch == (await room.api.get(f"/v1/rooms/{room.room}")).json()["epoch"]


@pytest.fixture
def audiences(pool: Pool) -> Audiences:
    return Audiences(pool, "app")


async def test_of_a_large_room_the_first_hundred_and_counts_are_told(
    audiences: Audiences, pool: Pool
) -> None:
    rooms = Rooms(pool, "app")
    await rooms.fill("a", 150)
    answer = await audiences.watermarks("a")
    assert (answer.members, answer.epoch) == (150, await rooms.epoch())
    assert [each.user for each in answer.receipts] == [f"m{number:04}" for number in range(100)]
    assert answer.counts is not None
    assert (answer.counts.delivered, answer.counts.read) == ([(1, 150)], [(1, 150)])


async def test_a_room_where_nothing_happened_has_no_watermarks(audiences: Audiences, pool: Pool) -> None:
    answer = await audiences.watermarks("unknown")
    assert (answer.members, answer.receipts) == (0, [])
    assert answer.epoch == await pool.fetchval("select epoch from comments.log")


async def test_questions_of_other_apps_and_malformed_ones_are_not_answered(audiences: Audiences) -> None:
    questions = watermarks_of(audiences, MemoryNats(), "app", Turns(1, 1))
    assert await questions.answer(WatermarksRequest(app="another", room="a").encode()) is None
    malformed = [b"", b"{", b"[" * 5000, b"{}", b'{"app":"app","room":"*"}']
    assert [await questions.answer(each) for each in malformed] == [b""] * len(malformed)
