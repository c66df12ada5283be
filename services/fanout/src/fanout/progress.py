"""How far the members of one room are: asked of comments, kept by what it tells, pushed to the members."""

import logging
from collections.abc import Sequence

from events.receipts import Watermarks, WatermarksAnswer, WatermarksRequest
from fanout.audience import Audience
from fanout.loading import Loading
from fanout.members import Encoding, Member
from fanout.pacer import Pacer
from fanout.terms import Sources
from fanout.watermarks import Marks

LARGE_SECONDS = 10.0
"""Until it is asked again after somebody joined or left, or may have, where not all members are listed."""

log = logging.getLogger(__name__)


class Progress:
    def __init__(self, room: str, audience: Audience, sources: Sources) -> None:
        self._room = room
        self._audience = audience
        self._sources = sources
        self._marks = Marks()
        self.loading = Loading(self._load, sources.tasks)
        self._pushes = Pacer(self._push, sources.terms.receipts)

    def state(self) -> bytes:
        return self._marks.state()

    def frames(self, member: Member) -> bytes:
        """What a member needs that knows nothing."""
        if not self._marks.known:
            return b""
        return member.encoding.receipts(self._room, self._marks.restatement())

    def moved(self, payload: bytes) -> None:
        try:
            self._marks.moved(Watermarks.decode(payload))
        except ValueError:
            log.warning("watermarks cannot be read", extra={"room": self._room})
            self.loading.want()
        self._act()

    def wrote(self, users: Sequence[str]) -> None:
        """Whoever writes is a member."""
        if not self._marks.knows(users):
            self.membership_changed()

    def membership_changed(self) -> None:
        self.loading.want(LARGE_SECONDS if self._marks.large else 0.0)

    def check(self) -> None:
        """Something may have been missed."""
        self.loading.want()

    def close(self) -> None:
        self.loading.close()
        self._pushes.close()

    async def _load(self) -> None:
        self._marks.asked()
        request = WatermarksRequest(app=self._sources.app, room=self._room)
        answer = await self._sources.receipts.ask(request.encode(), WatermarksAnswer.decode)
        self._marks.answered(answer)
        self._act()

    def _act(self) -> None:
        if self._marks.doubtful:
            self.loading.want()
        if self._marks.pending and not self.loading.closed:
            self._pushes.wake()

    def _push(self) -> None:
        body = self._marks.flush()
        if body is None:
            return

        def frame(encoding: Encoding) -> bytes:
            return encoding.receipts(self._room, body)

        self._audience.push(frame)
