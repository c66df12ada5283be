"""A client on the SDK's own parts: what reaches its subscriptions is noted, whatever the SDK did for it."""

import asyncio
import json
import random

from faults.diary import Diary
from faults.history import Position
from faults.tokens import Tokens

from events import rfc3339
from parley import Backoff, Closed, Cursor, Event, Refused, Subscription
from parley.feed import Feed
from parley.link import Link
from parley.protocol import Subscribed

BACKOFF = Backoff(first=0.2, cap=2.0)

BACKLOG = 1_000

AGAIN = 1.0
"""Seconds after which an app whose token was refused asks for another one."""


class NotedFeed(Feed):
    """The SDK's end of a room, and the diary beside it."""

    def __init__(self, room: str, since: Cursor | None, diary: Diary, number: int) -> None:
        """The first answer belongs to the connection `number`: the SDK numbers none."""
        super().__init__(room, since, BACKLOG)
        self.number = number
        self._diary = diary

    async def subscribed(self, answer: Subscribed) -> None:
        if self.recovered is not None:
            self._diary.lost(self.number, "unknown")
            self.number += 1
        since, head = position(self.cursor), Position(answer.head.epoch, answer.head.offset)
        self._diary.subscribed(self.number, self.room, since, head, recovered=answer.recovered)
        await super().subscribed(answer)

    async def pushed(self, event: Event) -> bool:
        before = self.cursor
        whole = await super().pushed(event)
        if self.cursor != before and (place := position(self.cursor)) is not None:
            self._diary.seen(self.number, self.room, place, event.id, encoded(event))
        return whole


def position(cursor: Cursor | None) -> Position | None:
    return Position(cursor.epoch, cursor.offset) if cursor else None


class SdkListener:
    def __init__(self, url: str, diary: Diary, tokens: Tokens) -> None:
        self.diary = diary
        self._url = url
        self._tokens = tokens
        self._numbers = dict.fromkeys(diary.rooms, 1)

    async def run(self) -> None:
        """Until cancelled. The SDK comes back by itself; only a refusal is answered by a new link."""
        while True:
            link = Link(self._url, self._token, BACKOFF, random.random, None)
            try:
                async with asyncio.TaskGroup() as readers:
                    for room in self.diary.rooms:
                        readers.create_task(self._follow(link, room))
            except* (Closed, Refused) as trouble:
                self.diary.lost(max(self._numbers.values()), str(trouble.exceptions[0]))
            finally:
                await link.close()
            await asyncio.sleep(AGAIN * random.random())

    async def _follow(self, link: Link, room: str) -> None:
        place = self.diary.places[room]
        feed = NotedFeed(room, Cursor(*place) if place else None, self.diary, self._numbers[room])
        link.join(feed)
        subscription = Subscription(feed, link.leave)
        try:
            async for _ in subscription:
                pass
        finally:
            self._numbers[room] = feed.number + 1

    async def _token(self) -> str:
        return self._tokens.sign(self.diary.client)


def encoded(event: Event) -> bytes:
    """As it came: the SDK keeps the names and their order."""
    fields = {
        "id": event.id,
        "room": event.room,
        "offset": event.offset,
        "at": rfc3339(event.at),
        "actor": event.actor,
        "type": event.type,
        **event.data,
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
