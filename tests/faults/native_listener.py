"""A client of the native protocol that notes every frame as it comes, and mends nothing."""

import asyncio
import itertools
import json
import random
from typing import Any

from faults.diary import Diary
from faults.history import Position
from faults.tokens import Tokens
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from parley import Backoff
from parley.retry import retry_after

BACKOFF = Backoff(first=0.2, cap=2.0)

STEADY = 5.0
"""Seconds after which a connection counts as one that went well."""


class NativeListener:
    def __init__(self, url: str, diary: Diary, tokens: Tokens) -> None:
        self.diary = diary
        self._url = url
        self._tokens = tokens
        self._connection = 0
        self._after = 0.0
        """Seconds that the server asked to be left alone."""
        self._ids = itertools.count(1)
        self._asked: dict[int, str] = {}
        """The room of each `subscribe` that was not answered yet."""

    async def run(self) -> None:
        """Come back after every loss, until cancelled."""
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            began = clock()
            self._connection += 1
            try:
                await self._converse()
            except (OSError, InvalidHandshake, ConnectionClosed) as trouble:
                self.diary.lost(self._connection, self._reason(trouble))
            attempt = 0 if clock() - began > STEADY else attempt + 1
            await asyncio.sleep(self._after + BACKOFF.delay(attempt, random.random()))
            self._after = 0.0

    def _reason(self, trouble: Exception) -> str:
        match trouble:
            case ConnectionClosed(rcvd=rcvd) if rcvd is not None:
                return str(rcvd.code)
            case InvalidStatus(response=response):
                self._after = retry_after(response.headers.get("retry-after"))
                return str(response.status_code)
            case _:
                return type(trouble).__name__

    async def _converse(self) -> None:
        headers = {"Authorization": f"Bearer {self._tokens.sign(self.diary.client)}"}
        async with connect(
            self._url, additional_headers=headers, compression=None, proxy=None, close_timeout=1
        ) as socket:
            self._asked.clear()
            for room in self.diary.rooms:
                await self._subscribe(socket, room)
            while True:
                frame = str(await socket.recv(decode=True))
                await self._take(socket, frame, json.loads(frame))

    async def _subscribe(self, socket: ClientConnection, room: str) -> None:
        number, since = next(self._ids), self.diary.places[room]
        self._asked[number] = room
        request: dict[str, Any] = {"id": number, "type": "subscribe", "room": room}
        if since is not None:
            request["since"] = since._asdict()
        await socket.send(json.dumps(request))

    async def _take(self, socket: ClientConnection, text: str, frame: dict[str, Any]) -> None:
        match frame:
            case {"type": "event", "room": room, "offset": offset, "event": event}:
                place = self.diary.places[room]
                epoch = place.epoch if place else ""  # before any answer: the checker has a word for it
                seen = Position(epoch, offset)
                self.diary.seen(self._connection, room, seen, event["id"], encoded(text))
            case {"type": "subscribed", "id": number, "room": room, "epoch": epoch, "offset": offset}:
                del self._asked[number]
                since, head = self.diary.places[room], Position(epoch, offset)
                self.diary.subscribed(self._connection, room, since, head, recovered=frame["recovered"])
            case {"type": "closing", "retryAfter": after}:
                self._after = after
            case {"type": "expiring"}:
                token = self._tokens.sign(self.diary.client)
                await socket.send(json.dumps({"id": next(self._ids), "type": "refresh", "token": token}))
            case {"type": "error", "id": number} if number in self._asked:
                await asyncio.sleep(frame.get("retryAfter") or BACKOFF.delay(3, random.random()))
                await self._subscribe(socket, self._asked.pop(number))


def encoded(frame: str) -> bytes:
    """The event in a frame, byte for byte."""
    return frame[frame.index('"event":{') + len('"event":') : -1].encode()
