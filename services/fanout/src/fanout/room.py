"""One room as this process sees it, without I/O: where its log stands, and its most recent events.

Events are heard live and read from the log, in any order and more than once; `hear` lets each through once,
in offset order. A hole is a reason to read the log, never to skip.
"""

from collections import deque
from collections.abc import Callable, Sequence

OVERHEAD = 400
"""Bytes that an entry takes beside its event and frame: objects, and a place in a table."""


class Entry:
    """An event to push: its bytes, and its frame in each protocol, made once."""

    __slots__ = ("_frames", "data", "offset")

    def __init__(self, offset: int, data: bytes) -> None:
        self.offset = offset
        self.data = data
        self._frames: dict[str, bytes] = {}

    @property
    def size(self) -> int:
        """Bytes of memory, once it is framed in one protocol."""
        return 2 * len(self.data) + OVERHEAD

    def frame(
        self, protocol: str, encode: Callable[[str, str, int, bytes], bytes], room: str, epoch: str
    ) -> bytes:
        found = self._frames.get(protocol)
        if found is None:
            found = self._frames[protocol] = encode(room, epoch, self.offset, self.data)
        return found


class Room:
    """`ring` and `early` are bounds in bytes of memory: of recent events, and of events heard too early."""

    __slots__ = (
        "_early",
        "_early_limit",
        "_early_size",
        "_ring",
        "_ring_limit",
        "_ring_size",
        "epoch",
        "head",
        "known",
        "name",
        "opened",
    )

    def __init__(self, name: str, *, ring: int, early: int) -> None:
        self.name = name
        self.opened = False
        self.epoch = ""
        self.head = 0
        """Offset of the last event let through."""
        self.known = 0
        """The highest offset that is known to be in the log."""
        self._ring: deque[Entry] = deque()
        self._ring_limit, self._ring_size = ring, 0
        self._early: dict[int, Entry] = {}
        self._early_limit, self._early_size = early, 0

    def open(self, epoch: str, head: int) -> None:
        """Start after `head`, where the log stands."""
        self.opened, self.epoch, self.head, self.known = True, epoch, head, head

    @property
    def missing(self) -> bool:
        """Something after `head` has to be read from the log."""
        return self.head < self.known

    def learn(self, head: int) -> None:
        """The log stands there, or beyond."""
        self.known = max(self.known, head)

    def hear(self, offset: int, data: bytes) -> list[Entry]:
        """What can be pushed now that this event is known: nothing, it, or also those heard before it."""
        if offset <= self.head:
            return []
        self.learn(offset)
        entry = Entry(offset, data)
        if offset > self.head + 1:
            self._keep(entry)
            return []
        self._append(entry)
        return [entry, *self._join()] if self._early else [entry]

    def after(self, offset: int) -> Sequence[Entry] | None:
        """All events after the offset, or `None` if the ring no longer holds them all."""
        missing = self.head - offset
        if missing <= 0:
            return []
        if missing > len(self._ring):
            return None
        return [self._ring[index] for index in range(-missing, 0)]

    def _append(self, entry: Entry) -> None:
        self.head = entry.offset
        self._ring.append(entry)
        self._ring_size += entry.size
        while self._ring_size > self._ring_limit:
            self._ring_size -= self._ring.popleft().size

    def _keep(self, entry: Entry) -> None:
        """Too early: kept if there is room for it, for the log has it too."""
        if entry.offset not in self._early and self._early_size + entry.size <= self._early_limit:
            self._early[entry.offset] = entry
            self._early_size += entry.size

    def _join(self) -> list[Entry]:
        """Let through what was heard early and follows now."""
        entries = []
        while (entry := self._early.pop(self.head + 1, None)) is not None:
            self._early_size -= entry.size
            self._append(entry)
            entries.append(entry)
        return entries
