"""A client of server-sent events, one stream a room, that comes back as a browser's EventSource does.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx
from faults.diary import Diary
from faults.history import Position
from faults.tokens import Tokens

from parley import Backoff

BACKOFF = Backoff(first=0.2, cap=2.0)

STEADY = 5.0
"""Seconds after which a connection counts as one that went well."""

TIMEOUT = httpx.Timeout(10.0, read=60.0)
"""Seconds; the server's heartbeats come more often."""


class Message(NamedTuple):
    id: str
    name: str
    """Empty for an event of the room."""
    text: str


class SseListener:
    def __init__(self, url: str, diary: Diary, tokens: Tokens) -> None:
        self.diary = diary
        self._url = url
        self._tokens = tokens

    async def run(self) -> None:
        """Come back after every loss, until cancelled."""
        connections = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with (
            httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT, limits=connections) as http,
            asyncio.TaskGroup() as streams,
        ):
            for room in self.diary.rooms:
                streams.create_task(RoomStream(http, room, self.diary, self._tokens).run())


class RoomStream:
    """One room's stream, over all its connections."""

    def __init__(self, http: httpx.AsyncClient, room: str, diary: Diary, tokens: Tokens) -> None:
        self._http = http
        self._room = room
        self._diary = diary
        self._tokens = tokens
        self._number = 0
        self._retry = 0.0
        """Seconds, as the server said."""

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            self._number += 1
            began = clock()
            try:
                reason = await self._listen()
            except httpx.TransportError as trouble:
                reason = type(trouble).__name__
            self._diary.lost(self._number, reason)
            attempt = 0 if clock() - began > STEADY else attempt + 1
            await asyncio.sleep(self._retry + BACKOFF.delay(attempt, random.random()))

    async def _listen(self) -> str:
        """Until the stream ends; why it did."""
        since = self._diary.places[self._room]
        headers = {"Authorization": f"Bearer {self._tokens.sign(self._diary.client)}"}
        if since is not None:
            headers["Last-Event-ID"] = f"{since.epoch}:{since.offset}"
        path = f"/v1/rooms/{self._room}/events"
        async with self._http.stream("GET", path, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                return str(answer.status_code)
            async for message in messages(answer.aiter_lines()):
                if message.name == "closing":
                    return str(json.loads(message.text)["code"])
                self._take(message, since)
        return "end"

    def _take(self, message: Message, since: Position | None) -> None:
        match message:
            case Message(_, "retry", text):
                self._retry = int(text) / 1000
            case Message(_, "subscribed", text):
                told = json.loads(text)
                head = Position(told["epoch"], told["offset"])
                self._diary.subscribed(self._number, self._room, since, head, recovered=told["recovered"])
            case Message(id_, "", text):
                epoch, _, offset = id_.rpartition(":")
                place, event = Position(epoch, int(offset)), json.loads(text)["id"]
                self._diary.seen(self._number, self._room, place, event, text.encode())


async def messages(lines: AsyncIterator[str]) -> AsyncIterator[Message]:
    """What is dispatched, and the field `retry` as a message of that name; no half of anything."""
    id_, name, text = "", "", ""
    async for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            id_ = value
        elif field == "event":
            name = value
        elif field == "data":
            text = value
        elif field == "retry":
            yield Message(id_, "retry", value)
        elif not line and text:
            yield Message(id_, name, text)
            name, text = "", ""
