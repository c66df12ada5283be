"""Pages of the log, asked of comments once however many want them, and the whole ones kept for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from events import NoAnswer, Wire, subjects
from events.replay import ReplayRequest, decode_page
from fanout.room import Entry

PAGE = 200
"""Events asked for at once."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a room's log, shared by all who replay it."""

    epoch: str
    head: int
    """Where the log stood."""
    entries: Sequence[Entry]

    def after(self, offset: int) -> Sequence[Entry]:
        """The entries after the offset; none if the chunk begins later than that."""
        if not self.entries or self.entries[0].offset > offset + 1:
            return ()
        return self.entries[offset + 1 - self.entries[0].offset :]


@dataclass(slots=True)
class Figures:
    asked: int = 0
    """Requests sent to comments."""
    shared: int = 0
    """Answers that somebody else had asked for, or that were kept."""


class Pages:
    """`kept` bounds the bytes of the pages kept; `timeout` is in seconds."""

    def __init__(self, wire: Wire, app: str, *, kept: int, timeout: float) -> None:
        self._wire = wire
        self._app = app
        self._limit = kept
        self._timeout = timeout
        self._asking: dict[tuple[str, int], asyncio.Task[Chunk]] = {}
        self._kept: OrderedDict[tuple[str, str, int], Chunk] = OrderedDict()
        self._size = 0
        self.figures = Figures()

    async def head(self, room: str) -> Chunk:
        """Where the room's log stands now, without entries. Raise `NoAnswer`."""
        return await self._request(room, 0, 0)

    async def after(self, room: str, epoch: str, offset: int) -> Chunk:
        """A chunk with the events that follow the offset, and possibly some before. Raise `NoAnswer`.

        Everybody gets the same chunks, which begin at multiples of `PAGE`, so that they can be shared.
        """
        start = offset - offset % PAGE
        chunk = await self._chunk(room, epoch, start)
        if start < offset < chunk.head and not chunk.after(offset):
            chunk = await self._chunk(room, epoch, offset)
        return chunk

    async def _chunk(self, room: str, epoch: str, start: int) -> Chunk:
        key = (room, epoch, start)
        if (kept := self._kept.get(key)) is not None:
            self.figures.shared += 1
            self._kept.move_to_end(key)
            return kept
        task = self._asking.get((room, start))
        if task is None:
            task = self._asking[room, start] = asyncio.create_task(self._ask(room, start))
        else:
            self.figures.shared += 1
        return await asyncio.shield(task)

    async def _ask(self, room: str, start: int) -> Chunk:
        try:
            chunk = await self._request(room, start, PAGE)
        finally:
            del self._asking[room, start]
        if len(chunk.entries) == PAGE:
            self._keep((room, chunk.epoch, start), chunk)
        return chunk

    def _keep(self, key: tuple[str, str, int], chunk: Chunk) -> None:
        self._kept[key] = chunk
        self._size += _size(chunk)
        while self._size > self._limit:
            self._size -= _size(self._kept.popitem(last=False)[1])

    async def _request(self, room: str, after: int, limit: int) -> Chunk:
        request = ReplayRequest(app=self._app, room=room, after=after, limit=limit)
        self.figures.asked += 1
        answer = await self._wire.request(subjects.REPLAY, request.model_dump_json().encode(), self._timeout)
        try:
            page = decode_page(answer)
        except ValueError as error:
            raise NoAnswer("comments cannot read its log now") from error
        entries = [Entry(page.first + index, data) for index, data in enumerate(page.events)]
        return Chunk(page.epoch, page.head, entries)


def _size(chunk: Chunk) -> int:
    return sum(len(entry.data) for entry in chunk.entries)
