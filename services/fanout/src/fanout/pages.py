"""Pages of the log, asked of comments once however many want them, and kept for a while."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from events import NoAnswer, Wire, subjects
from events.replay import ReplayRequest, decode_page
from fanout.room import Entry

PAGE = 200
"""Events asked for at once."""

IN_FLIGHT = 64
"""Requests to comments at once: after a restart all rooms are opened together."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a room's log, shared by all who replay it."""

    epoch: str
    head: int
    """Where the log stood when it was read."""
    entries: Sequence[Entry]
    whole: bool
    """The log will never have more for this stretch."""

    @property
    def end(self) -> int:
        """The last entry's offset."""
        return self.entries[-1].offset if self.entries else 0

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return sum(entry.size for entry in self.entries)

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
        self._readable = True
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self._kept: OrderedDict[tuple[str, str, int], Chunk] = OrderedDict()
        self.size = 0
        """Bytes of the pages kept."""
        self.figures = Figures()

    async def head(self, room: str) -> Chunk:
        """Where the room's log stands from now on, without entries. Raise `NoAnswer`."""
        return await self._request(room, 0, 0)

    async def after(self, room: str, epoch: str, offset: int) -> Chunk:
        """A chunk with the events that follow the offset, and possibly some before. Raise `NoAnswer`.

        Everybody gets the same chunks, which begin at multiples of `PAGE` and where a chunk was cut because
        of its bytes, so that they can be shared. The answer may be one that somebody else asked for earlier,
        and lack what was logged since.
        """
        chunk = await self._chunk(room, epoch, offset - offset % PAGE, offset)
        while chunk.whole and chunk.end <= offset and chunk.epoch == epoch:
            chunk = await self._chunk(room, epoch, chunk.end, offset)
        return chunk

    async def close(self) -> None:
        """Give up what is being asked."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _chunk(self, room: str, epoch: str, start: int, offset: int) -> Chunk:
        """A page that is not whole yet serves as long as it has something after the offset."""
        key = (room, epoch, start)
        kept = self._kept.get(key)
        if kept is not None and (kept.whole or kept.end > offset):
            self.figures.shared += 1
            self._kept.move_to_end(key)
            return kept
        task = self._asking.get((room, start))
        if task is None:
            task = self._asking[room, start] = asyncio.create_task(self._ask(room, start))
            task.add_done_callback(_seen)
        else:
            self.figures.shared += 1
        return await asyncio.shield(task)

    async def _ask(self, room: str, start: int) -> Chunk:
        try:
            chunk = await self._request(room, start, PAGE - start % PAGE)
        except NoAnswer as reason:
            if self._readable:
                log.warning("the log cannot be read: %s", reason, extra={"room": room})
            self._readable = False
            raise
        finally:
            del self._asking[room, start]
        if not self._readable:
            log.warning("the log can be read again")
        self._readable = True
        if chunk.entries:
            self._keep((room, chunk.epoch, start), chunk)
        return chunk

    def _keep(self, key: tuple[str, str, int], chunk: Chunk) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self.size -= old.size
        self._kept[key] = chunk
        self.size += chunk.size
        while self.size > self._limit:
            self.size -= self._kept.popitem(last=False)[1].size

    async def _request(self, room: str, after: int, limit: int) -> Chunk:
        request = ReplayRequest(app=self._app, room=room, after=after, limit=limit).model_dump_json()
        async with self._in_flight:
            self.figures.asked += 1
            answer = await self._wire.request(subjects.REPLAY, request.encode(), self._timeout)
        try:
            page = decode_page(answer)
        except ValueError as error:
            raise NoAnswer("comments cannot read its log now") from error
        entries = [Entry(page.first + index, data) for index, data in enumerate(page.events)]
        whole = bool(entries) and (len(entries) == limit or entries[-1].offset < page.head)
        return Chunk(page.epoch, page.head, entries, whole)


def _seen(task: asyncio.Task[Chunk]) -> None:
    """Those who wait for the page are told; that nobody waits any more is no error."""
    if not task.cancelled():
        task.exception()
