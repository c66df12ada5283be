"""The port of `log.py` in memory, for tests of what stands on it."""

from collections.abc import Sequence

from comments.commands import Command
from comments.log import Outcome
from comments.model import RoomState
from comments.postgres import Head, carry_out
from events import Event


class MemoryLog:
    """`Log` of whole rooms, by `decide` and `evolve` alone."""

    def __init__(self, app: str = "test", epoch: str = "e1") -> None:
        self._app = app
        self._epoch = epoch
        self._heads: dict[str, Head] = {}
        self.events: list[Event] = []
        """Of all rooms, in the order in which they happened."""

    async def append(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        for command in commands:
            self._heads.setdefault(command.room, self._new(command.room))
        outcomes = carry_out(self._heads, commands)
        self.events += [one.event for one in outcomes if isinstance(one, Outcome) and one.event is not None]
        return outcomes

    def room(self, room: str) -> RoomState:
        """Raise `KeyError` if nothing was ever wished in the room."""
        return self._heads[room].state

    def _new(self, room: str) -> Head:
        return Head(self._app, len(self._heads) + 1, self._epoch, RoomState(room))
