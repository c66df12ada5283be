"""What users have not read of all their rooms: asked for several users at once, as they come in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice

from events import NoAnswer
from events.receipts import RoomUnread, UnreadAnswer
from fanout.loading import pause
from fanout.tasks import Tasks
from fanout.watchers import Reading

READERS = 4
"""Questions at once."""

USERS = 20
"""In one question: each may be a member of many rooms, and the answer is one message."""

Ask = Callable[[Sequence[str]], Awaitable[UnreadAnswer]]
"""Raises `NoAnswer`."""

Learn = Callable[[str, Sequence[RoomUnread], Reading], None]
"""Takes a user and their rooms."""


class Survey:
    def __init__(self, ask: Ask, learn: Learn, tasks: Tasks) -> None:
        self._ask = ask
        self._learn = learn
        self._tasks = tasks
        self._wanted: dict[str, asyncio.Future[bool]] = {}
        self._kept: set[str] = set()
        """Of those who are wanted: they are asked for until there is an answer."""
        self._readers = 0
        self._users = USERS
        self._vain = 0
        self._timer: asyncio.TimerHandle | None = None
        self._readings: dict[int, Reading] = {}
        """Questions that are on their way."""
        self._number = 0

    def hear(self, room: str) -> None:
        """Something happened in the room: an answer that is on its way may be older."""
        for reading in self._readings.values():
            reading.heard.add(room)

    async def look(self, user: str) -> bool:
        """Whether it was answered, and learnt."""
        return await asyncio.shield(self._want(user))

    def look_until_answered(self, users: Iterable[str]) -> None:
        for user in users:
            self._kept.add(user)
            self._want(user)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._kept.clear()
        self._fail()

    def _want(self, user: str) -> asyncio.Future[bool]:
        if user not in self._wanted:
            self._wanted[user] = asyncio.get_running_loop().create_future()
            if self._readers < READERS:
                self._readers += 1
                self._tasks.spawn(self._read())
        return self._wanted[user]

    async def _read(self) -> None:
        try:
            while self._wanted:
                batch = dict(islice(self._wanted.items(), self._users))
                for user in batch:
                    del self._wanted[user]
                await self._read_some(batch)
        finally:
            self._readers -= 1

    async def _read_some(self, batch: dict[str, asyncio.Future[bool]]) -> None:
        self._number += 1
        reading = self._readings[self._number] = Reading(self._number)
        try:
            answer = await self._ask(list(batch))
            self._users, self._vain = min(2 * self._users, USERS), 0
            for user, answered in batch.items():
                self._kept.discard(user)
                self._learn(user, answer.users.get(user, ()), reading)
                _settle(answered, True)
        except NoAnswer:
            self._miss(batch)
        except BaseException:
            for answered in batch.values():
                _settle(answered, False)
            raise
        finally:
            del self._readings[reading.number]

    def _miss(self, batch: dict[str, asyncio.Future[bool]]) -> None:
        """Several may be too much for one answer; if one is not answered, nobody is for now."""
        several, self._users = len(batch) > 1, 1
        for user, answered in batch.items():
            if user in self._wanted:
                _chain(self._wanted[user], answered)
            else:
                self._wanted[user] = answered
        if not several:
            self._fail()

    def _fail(self) -> None:
        wanted, self._wanted = self._wanted, {}
        for answered in wanted.values():
            _settle(answered, False)
        if self._kept and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(pause(self._vain), self._try_again)
            self._vain += 1

    def _try_again(self) -> None:
        self._timer = None
        self.look_until_answered(list(self._kept))


def _settle(answered: asyncio.Future[bool], whether: bool) -> None:
    if not answered.done():
        answered.set_result(whether)


def _chain(first: asyncio.Future[bool], second: asyncio.Future[bool]) -> None:
    first.add_done_callback(lambda done: _settle(second, not done.cancelled() and done.result()))
