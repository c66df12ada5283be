"""One room as this process sees it, without I/O: where its log stands, and its most recent events.

Events are heard live and read from the log, in any order and more than once; `hear` lets each through once,
in offset order. A hole is a reason to read the log, never to skip.
"""

from collections import deque
from collections.abc import Callable, Sequence


class Entry:
    """An event to push: its bytes, and its frame in each protocol, made once."""

    __slots__ = ("_frames", "data", "offset")

    def __init__(self, offset: int, data: bytes) -> None:
        self.offset = offset
        self.data = data
        self._frames: dict[str, bytes] = {}

    def frame(self, protocol: str, encode: Callable[[str, int, bytes], bytes], room: str) -> bytes:
        found = self._frames.get(protocol)
        if found is None:
            found = self._frames[protocol] = encode(room, self.offset, self.data)
        return found


class Room:
    """`ring` and `early` are bounds in bytes of recent events kept, and of events heard too early."""

    __slots__ = (
        "_early",
        "_early_size",
        "_entries",
        "_limits",
        "_size",
        "epoch",
        "head",
        "missing",
        "name",
        "opened",
    )

    def __init__(self, name: str, *, ring: int, early: int) -> None:
        self.name = name
        self.opened = False
        self.epoch = ""
        self.head = 0
        """Offset of the last event let through."""
        self.missing = False
        """Something between `head` and what was heard has to be read from the log."""
        self._limits = (ring, early)
        self._entries: deque[Entry] = deque()
        self._size = 0
        self._early: dict[int, bytes] = {}
        self._early_size = 0

    def open(self, epoch: str, head: int) -> list[Entry]:
        """Start after `head`, where the log stands; what was heard meanwhile from beyond it goes through."""
        self.opened, self.epoch, self.head = True, epoch, head
        return self._join()

    def hear(self, offset: int, data: bytes) -> list[Entry]:
        """What can be pushed now that this event is known: nothing, it, or also those heard before it."""
        if self.opened and offset == self.head + 1:
            entry = self._append(offset, data)
            return [entry, *self._join()] if self._early else [entry]
        if offset > self.head or not self.opened:
            self._keep(offset, data)
        return []

    def after(self, offset: int) -> Sequence[Entry] | None:
        """All events after the offset, or `None` if the ring no longer holds them all."""
        missing = self.head - offset
        if missing <= 0:
            return []
        if missing > len(self._entries):
            return None
        return [self._entries[index] for index in range(-missing, 0)]

    def _append(self, offset: int, data: bytes) -> Entry:
        entry = Entry(offset, data)
        self.head = offset
        self._entries.append(entry)
        self._size += len(data)
        while self._size > self._limits[0] and len(self._entries) > 1:
            self._size -= len(self._entries.popleft().data)
        return entry

    def _keep(self, offset: int, data: bytes) -> None:
        """Too early: kept if there is room for it, for the log has it too."""
        self.missing = self.opened
        if offset not in self._early and self._early_size + len(data) <= self._limits[1]:
            self._early[offset] = data
            self._early_size += len(data)

    def _join(self) -> list[Entry]:
        entries = []
        while (data := self._early.pop(self.head + 1, None)) is not None:
            entries.append(self._append(self.head + 1, data))
        self._early = {offset: data for offset, data in self._early.items() if offset > self.head}
        self._early_size = sum(map(len, self._early.values()))
        self.missing = bool(self._early)
        return entries
