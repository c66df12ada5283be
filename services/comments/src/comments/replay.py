"""Answers `comments.replay`: pages of a room's log for whoever serves sockets."""

from comments.questions import Questions, Turns
from comments.reader import Reader
from events import Wire, subjects
from events.replay import ReplayRequest


def replay(reader: Reader, wire: Wire, app: str, turns: Turns) -> Questions[ReplayRequest]:
    async def page(asked: ReplayRequest) -> bytes:
        return (await reader.events(asked.room, asked.after, asked.limit)).encode()

    return Questions(wire, app, turns, subjects.REPLAY, ReplayRequest, page)
