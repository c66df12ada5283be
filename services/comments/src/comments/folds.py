"""A room folded from its log with `evolve`, without I/O, and never more of it in memory than a window needs.

A comment depends on the event that posted it and on those that change it, so comments are taken out as soon
as these are known. Members stay until the room ends; if they are many, each pass holds a share of them.
"""

import zlib
from collections.abc import Iterator
from uuid import UUID

from comments.differences import Row
from comments.model import RoomState, evolve
from comments.views import Comment
from events import CommentDeleted, CommentEdited, CommentPosted, Event, MemberJoined, MemberLeft

MEMBERS = 50_000
"""Members of a room that are held at once, at about 1 KB each."""


class Fold:
    """One room, up to `state.head`; of its members those whose share it is the `turn` of, of `turns`."""

    def __init__(self, room: str, *, turn: int = 0, turns: int = 1, members: int = MEMBERS) -> None:
        self.state = RoomState(room)
        self.turn = turn
        self.turns = turns
        self.changes = 0
        """Events that change a comment."""
        self._limit = members
        self._settled = turn > 0

    def take(self, event: Event) -> str | None:
        """Apply the event; what is wrong if it cannot follow those before it."""
        state = self.state
        match event:
            case CommentEdited() | CommentDeleted():
                state.head = event.offset
                self.changes += 1
            case MemberJoined() | MemberLeft() if not self.holds(event.user):
                state.head = event.offset
            case MemberLeft() if event.user not in state.members:
                state.head = event.offset
                return f"{event.user} leaves, who is no member then"
            case _:
                self.state = evolve(state, event)
        if isinstance(event, CommentPosted) and not self.holds(event.actor):
            state.members.pop(event.actor, None)
        if not self._settled and len(state.members) > self._limit:
            self._halve()
        return None

    def settle(self) -> None:
        """The share stays as it is from now on."""
        self._settled = True

    def posted(self) -> dict[UUID, Comment]:
        """The comments that were posted since the last call."""
        comments, self.state.comments = self.state.comments, {}
        self.state.posted.clear()
        return comments

    def holds(self, user: str) -> bool:
        return self.turns == 1 or zlib.crc32(user.encode()) % self.turns == self.turn

    def _halve(self) -> None:
        self.turns *= 2
        self.state.members = {user: each for user, each in self.state.members.items() if self.holds(user)}


def change(comments: dict[UUID, Comment], event: CommentEdited | CommentDeleted) -> bool:
    """Apply the event to one of these comments of its room; whether that was posted before it."""
    comment = comments.get(event.comment)
    if comment is None or comment.offset > event.offset:
        return False
    evolve(RoomState(event.room, comments=comments), event)
    return True


def deviations(row: Row, event: Event, room: str) -> Iterator[str]:
    """Where the columns of a row of the log do not say what its data says."""
    for column in ("offset", "id", "type", "actor", "at"):
        said = getattr(event, column)
        if row[column] != said:
            yield f"its column {column} is {row[column]}, its data says {said}"
    if event.room != room:
        yield f"its data says that it belongs to the room {event.room}"
