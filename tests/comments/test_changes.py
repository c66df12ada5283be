"""Who counts what is unread is told which rooms were written to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from contract.recording import Heard

from comments import changes
from comments.changes import Changed, messages
from comments.commands import Command, Join, Leave, PostComment, SetAttributes
from comments.database import Pool
from comments.ids import uuid7
from comments.log import Outcome
from comments.postgres import PostgresLog
from comments.settings import Settings
from comments.testing import MemoryLog
from comments.writer import Writer
from events import Event, StreamError, subjects
from events.jetstream import Nats
from events.receipts import Change, Changes
from events.testing import MemoryNats


async def happened(*commands: Command) -> list[Event]:
    outcomes = await MemoryLog().append(commands)
    return [one.event for one in outcomes if isinstance(one, Outcome) and one.event is not None]


def post(room: str, actor: str) -> PostComment:
    return PostComment(room=room, actor=actor, comment=uuid7(), body="x")


@asynccontextmanager
async def telling(nats: MemoryNats) -> AsyncIterator[tuple[Changed, Heard[Changes]]]:
    heard: Heard[Changes] = Heard()
    await nats.listen(subjects.changed("app"), lambda _, data: heard(Changes.decode(data)))
    changed = Changed(nats, "app")
    task = asyncio.create_task(changed.run())
    try:
        yield changed, heard
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_batch_is_one_message_with_the_heads_and_whose_membership_may_be_another() -> None:
    common: dict[str, Any] = {"room": "a", "actor": "u1"}
    batch = await happened(
        post("a", "u1"),
        post("a", "u1"),
        Join(**common, user="u2"),
        post("b.c", "u3"),
        Leave(**common, user="u2"),
        SetAttributes(room="d", actor="u1", attributes={}),
    )
    async with telling(MemoryNats()) as (changed, heard):
        changed.add(batch)
        [message] = await heard.until(1)
    assert message.changes == [
        Change(room="a", head=4, users=["u1", "u2"]),
        Change(room="b.c", head=1, users=["u3"]),
        Change(room="d", head=1, users=[]),
    ]


async def test_what_is_to_be_told_while_nats_is_away_waits_and_delays_nobody() -> None:
    nats = MemoryNats()
    nats.go_away()
    async with telling(nats) as (changed, heard):
        writer = Writer(MemoryLog(), lambda _: None, changed.add, waiting=10)
        task = asyncio.create_task(writer.run())
        assert (await writer.submit(post("early", "u1"))).event is not None
        for _ in range(5):
            await asyncio.sleep(0)
        nats.come_back()
        await writer.submit(post("late", "u1"))
        await writer.submit(post("early", "u2"))
        await heard.until(1)
        told = {each.room: (each.head, each.users) for message in heard.all for each in message.changes}
        assert told == {"early": (2, ["u1", "u2"]), "late": (1, ["u1"])}
        task.cancel()
        await asyncio.wait([task])


class Refusing(MemoryNats):
    """It refuses the first message, and takes its time for it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.refuse = asyncio.Event(), asyncio.Event()

    async def send(self, subject: str, payload: bytes) -> None:
        if not self.refuse.is_set():
            self.asked.set()
            await self.refuse.wait()
            raise StreamError
        await super().send(subject, payload)


async def test_what_could_not_be_told_is_told_together_with_what_happened_meanwhile() -> None:
    first, other, second = await happened(post("a", "u1"), post("b", "u1"), post("a", "u2"))
    nats = Refusing()
    async with telling(nats) as (changed, heard):
        changed.add([first, other])
        await nats.asked.wait()
        changed.add([second])
        nats.refuse.set()
        [message] = await heard.until(1)
    assert message.changes == [
        Change(room="a", head=2, users=["u1", "u2"]),
        Change(room="b", head=1, users=["u1"]),
    ]


class Hanging(MemoryNats):
    async def send(self, subject: str, payload: bytes) -> None:
        await asyncio.Event().wait()
        raise StreamError


async def test_while_nats_takes_nothing_a_bound_number_of_rooms_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "ROOMS", 3)
    async with telling(Hanging()) as (changed, _):
        changed.add(await happened(*[post(f"room-{number}", "u1") for number in range(10)]))
        assert len(changed.waiting) == 3


def test_a_message_is_never_longer_than_nats_takes() -> None:
    rooms = {"r" * 160 + str(number): (7, [f"{user:0>128}" for user in range(300)]) for number in range(40)}
    rooms["all"] = (9, ["\U0001f600" * 124 + f"{user:04}" for user in range(2_500)])
    told = list(messages(rooms))
    assert len(told) > 1
    assert max(map(len, told)) <= changes.MESSAGE_BYTES
    found = [each for message in told for each in Changes.decode(message).changes]
    assert {each.room: each.head for each in found} == {room: head for room, (head, _) in rooms.items()}
    assert {(each.room, user) for each in found for user in each.users} == {
        (room, user) for room, (_, users) in rooms.items() for user in users
    }


@pytest.mark.parametrize("doubtful", [False, True], ids=["it knows the stream", "the stream is refilled"])
async def test_what_a_process_that_was_killed_did_not_tell_the_next_one_tells(
    doubtful: bool,
    pool: Pool,
    nats: Nats,
    settings: Settings,
    serving: Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]],
) -> None:
    heard: Heard[Changes] = Heard()
    await nats.listen(subjects.changed(settings.app_id), lambda _, data: heard(Changes.decode(data)))
    if not doubtful:
        async with serving(settings):
            pass  # from now on it is known what the stream has
    committed = await PostgresLog(pool, settings.app_id).append([post("a", "u1"), post("a", "u2")])
    assert all(isinstance(one, Outcome) for one in committed)
    async with serving(settings):
        message, *_ = await heard.until(1)
    assert message.changes == [Change(room="a", head=2, users=["u1", "u2"])]
