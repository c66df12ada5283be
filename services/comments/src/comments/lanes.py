"""The order in which the outbox is published, without I/O: one lane a room, each offset after the one before.

A commit of this process enters its lane at once. Whatever else may have been committed (by another
process, before a crash) makes a lane *behind*: its events are then read from the outbox. What was just
committed goes before what has waited long: a long outbox does not hold up the rooms that have no part in it.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from comments.log import Stored


@dataclass(slots=True)
class Lane:
    """One room's way to the stream."""

    partition: int
    next: int = 0
    """The offset that enters next; 0 while only the outbox can tell."""
    queue: deque[Stored] = field(default_factory=deque)
    sent: dict[int, Stored] = field(default_factory=dict)
    """Handed to the stream and not confirmed, by offset."""
    failed: list[Stored] = field(default_factory=list)
    """Refused by the stream: sent again, in order, once nothing of the lane is on its way."""
    rejected: int = 0
    """The first of those that the stream surely has not got; 0 if there is none."""
    newest: int = 0
    """The highest offset that was confirmed."""
    behind: bool = False
    stale: bool = False
    """Something was committed while the outbox was being read."""
    asked: bool = False
    """The outbox is asked on behalf of this very lane: an answer to one before it may begin too late."""
    ready: bool = False

    @property
    def idle(self) -> bool:
        return not (self.queue or self.sent or self.failed or self.behind)


class Lanes:
    """All lanes of the partitions that this process owns.

    `capacity` and `size` bound the events held in memory, in number and in bytes. Unless `pipelined`, one
    event of a room is on its way at a time.
    """

    def __init__(self, *, capacity: int, rooms: int, size: int = 32 << 20, pipelined: bool = True) -> None:
        self._capacity = capacity
        self._size = size
        self._rooms = rooms
        self._pipelined = pipelined
        self._lanes: OrderedDict[int, Lane] = OrderedDict()
        self._ready: deque[int] = deque()
        self._ready_again: deque[int] = deque()
        """Lanes whose next event is of a refill."""
        self._again = False
        self._behind: OrderedDict[int, None] = OrderedDict()
        self.queued = 0
        self.bytes = 0
        """Of the events queued."""

    @property
    def hungry(self) -> bool:
        """There is room for what the outbox has, and a good part left for what is just being committed."""
        return self.queued < max(1, self._capacity // 5) and self.bytes < self._size // 2

    def committed(self, stored: Stored) -> None:
        """An event that this process has just committed."""
        lane = self._lane(stored.key, stored.partition)
        offset = stored.record.offset
        if lane.behind:
            self.read_again(stored.key, stored.partition, at_once=True)
        elif offset == (lane.next or 1):
            self._enter(lane, stored)
        elif offset > lane.next:
            self.read_again(stored.key, stored.partition, at_once=True)

    def read_again(self, key: int, partition: int, *, at_once: bool = False) -> None:
        """The outbox may hold events of the room that are in no lane; perhaps somebody waits for them."""
        lane = self._lane(key, partition)
        if lane.behind:
            lane.stale = True
        lane.behind = True
        self._behind.setdefault(key)
        if at_once:
            self._behind.move_to_end(key, last=False)

    def to_read(self, most: int) -> list[tuple[int, int, int]]:
        """Partition, room key and lowest offset of what to read from the outbox now."""
        if not self.hungry:
            return []
        keys = list(islice(self._behind, most))
        for key in keys:
            lane = self._lanes[key]
            lane.stale, lane.asked = False, True
            self._behind.move_to_end(key)  # rooms that stay behind must not starve others
        return [(self._lanes[key].partition, key, self._lanes[key].next) for key in keys]

    def was_read(self, keys: Iterable[int], rows: Sequence[Stored]) -> None:
        """What the outbox held, in order, for rooms of which it was read to the end (`keys`) or in part."""
        for stored in rows:
            lane = self._lanes.get(stored.key)
            if lane is not None and lane.asked and stored.record.offset >= lane.next:
                self._enter(lane, stored)
        for key in keys:
            lane = self._lanes.get(key)
            if lane is not None and lane.asked and not lane.stale:
                lane.behind = False
                self._behind.pop(key, None)

    def take(self) -> Stored | None:
        """The next event to publish; rooms take turns, and so do refills and the rest."""
        while self._ready or self._ready_again:
            self._again = not self._again
            ready = (self._again and self._ready_again) or self._ready or self._ready_again
            if (stored := self._sent(ready.popleft())) is not None:
                return stored
        return None

    def _sent(self, key: int) -> Stored | None:
        """The next event of the room, if it can be sent."""
        lane = self._lanes.get(key)
        if lane is None:
            return None
        lane.ready = False
        if not self._free(lane):
            return None
        stored = lane.queue.popleft()
        self._count(stored, -1)
        lane.sent[stored.record.offset] = stored
        self._make_ready(key, lane)
        return stored

    def confirmed(self, stored: Stored) -> bool:
        """Whether the stream has it behind all that is before it in the room."""
        lane = self._landed(stored)
        if lane is None:
            return True
        lane.newest = max(lane.newest, stored.record.offset)
        overtook = any(one.record.offset < stored.record.offset for one in lane.failed)
        self._go_on(stored.key, lane)
        return not overtook

    def refused(self, stored: Stored, *, rejected: bool) -> bool:
        """The stream did not confirm it; nothing later of its room is sent before it.

        `rejected` if the stream surely has not got it. Return whether that is in time: `False` if the stream
        may have something later already.
        """
        lane = self._landed(stored)
        if lane is None:
            return False
        offset = stored.record.offset
        overtaken = offset < lane.newest or (not rejected and 0 < lane.rejected < offset)
        if rejected and not 0 < lane.rejected < offset:
            lane.rejected = offset
        lane.failed.append(stored)
        self._go_on(stored.key, lane)
        return not overtaken

    def forget(self, partitions: Iterable[int]) -> frozenset[int]:
        """These partitions are not ours to publish any more, or must be read from the outbox again.

        Return those in which something is on its way that may overtake what was refused before it.
        """
        gone, overtaken = set(partitions), set()
        for key in [key for key, lane in self._lanes.items() if lane.partition in gone]:
            lane = self._lanes.pop(key)
            if lane.failed and lane.sent:
                overtaken.add(lane.partition)
            for stored in lane.queue:
                self._count(stored, -1)
            self._behind.pop(key, None)
        return frozenset(overtaken)

    def _landed(self, stored: Stored) -> Lane | None:
        """The lane that sent it, unless that was forgotten."""
        lane = self._lanes.get(stored.key)
        return None if lane is None or lane.sent.pop(stored.record.offset, None) is None else lane

    def _go_on(self, key: int, lane: Lane) -> None:
        if lane.failed and not lane.sent:
            lane.failed.sort(key=lambda one: one.record.offset)
            lane.queue.extendleft(reversed(lane.failed))
            for stored in lane.failed:
                self._count(stored, 1)
            lane.failed.clear()
            lane.rejected = 0
        self._make_ready(key, lane)

    def _enter(self, lane: Lane, stored: Stored) -> None:
        if self.queued >= self._capacity or self.bytes >= self._size:
            self.read_again(stored.key, stored.partition)
            return
        lane.queue.append(stored)
        lane.next = stored.record.offset + 1
        self._count(stored, 1)
        self._make_ready(stored.key, lane)

    def _count(self, stored: Stored, change: int) -> None:
        self.queued += change
        self.bytes += change * len(stored.record.data)

    def _free(self, lane: Lane) -> bool:
        """Something of the room can be sent now."""
        return bool(lane.queue) and not lane.failed and (self._pipelined or not lane.sent)

    def _make_ready(self, key: int, lane: Lane) -> None:
        if not lane.ready and self._free(lane):
            lane.ready = True
            (self._ready_again if lane.queue[0].record.refill else self._ready).append(key)

    def _lane(self, key: int, partition: int) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) >= self._rooms:
                self._evict()
            lane = self._lanes[key] = Lane(partition)
        return lane

    def _evict(self) -> None:
        """Forget the oldest lanes that have nothing to do; the outbox can always tell again."""
        idle = [key for key, lane in self._lanes.items() if lane.idle][: self._rooms // 4 + 1]
        for key in idle:
            del self._lanes[key]
