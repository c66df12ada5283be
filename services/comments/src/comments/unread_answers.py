"""Answers `comments.unread`: what users have not read, for whoever serves their sockets."""

from comments.questions import Questions, Turns
from comments.unread import UnreadReader
from events import Wire, subjects
from events.receipts import UnreadAnswer, UnreadRequest


def unread_of(
    reader: UnreadReader, wire: Wire, app: str, turns: Turns, *, rooms: int
) -> Questions[UnreadRequest]:
    """At most `rooms` are told of each user; if those of several are too many for one answer, it is empty."""

    async def find(asked: UnreadRequest) -> bytes:
        if asked.room is not None:
            found = await reader.members(asked.room, asked.users)
        elif (every := await reader.rooms(asked.users, rooms)) is not None:
            found = every
        else:
            return b""
        return UnreadAnswer(users=dict(found)).encode()

    return Questions(wire, app, turns, subjects.UNREAD, UnreadRequest, find)
