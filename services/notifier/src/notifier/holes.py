"""What the stream did not bring of a room is read from the log, page by page; the log knows its epoch."""

import logging

from events import NoAnswer, Wire, subjects
from events.replay import Page, ReplayRequest, decode_page
from notifier.projection import Stretch, read_line
from notifier.rooms import Place, Rooms

PAGE = 500
"""Events asked for at once; each page is a transaction of its own."""

ASK_SECONDS = 2.0

log = logging.getLogger(__name__)


class Holes:
    def __init__(self, wire: Wire, app: str, rooms: Rooms) -> None:
        self._wire, self._app, self._rooms = wire, app, rooms
        self.filled = 0
        """Events that were read from the log."""

    async def fill(self, stretch: Stretch) -> bool:
        """Write what the log has before the stretch; whether the stretch itself is still to be written.

        Raise `NoAnswer`, or one of `database.ERRORS`: what was written until then stays.
        """
        while True:
            place = await self._rooms.place(stretch.room)
            if place is None:
                return True
            current = place.epoch == stretch.epoch
            missing = stretch.first - 1 - place.head if current else 0
            if current and missing <= 0:
                return True
            page = await self._ask(stretch.room, place.head, min(missing, PAGE))
            if page.epoch != place.epoch:
                await self._rooms.reset(stretch.room, place.epoch, Place(page.epoch, page.head))
            elif not current:
                return False  # it is of an epoch that is over
            elif not page.events:
                log.warning("the log has no events before one of the stream", extra={"room": stretch.room})
                return False
            else:
                await self._write(stretch.room, page)

    async def _write(self, room: str, page: Page) -> None:
        events = [read_line(offset, data) for offset, data in enumerate(page.events, start=page.first)]
        await self._rooms.apply([Stretch(room, page.epoch, events)])
        self.filled += len(events)

    async def _ask(self, room: str, after: int, limit: int) -> Page:
        request = ReplayRequest(app=self._app, room=room, after=after, limit=limit).model_dump_json()
        answer = await self._wire.request(subjects.REPLAY, request.encode(), ASK_SECONDS)
        try:
            return decode_page(answer)
        except ValueError as error:
            raise NoAnswer("comments cannot read its log now") from error
