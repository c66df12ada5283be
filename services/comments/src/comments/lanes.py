"""The order in which the outbox is published, without I/O: one lane a room, each offset after the one before.

A commit of this process enters its lane at once. Whatever else may have been committed (by another
process, before a crash) makes a lane *behind*: its events are then read from the outbox.
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
    """All lanes of the partitions that this process owns; `capacity` bounds the events held in memory."""

    def __init__(self, *, capacity: int, rooms: int) -> None:
        self._capacity = capacity
        self._rooms = rooms
        self._lanes: OrderedDict[int, Lane] = OrderedDict()
        self._ready: deque[int] = deque()
        self._behind: dict[int, None] = {}
        self.queued = 0

    def committed(self, stored: Stored) -> None:
        """An event that this process has just committed."""
        lane = self._lane(stored.key, stored.partition)
        offset = stored.record.offset
        if lane.behind:
            lane.stale = True
        elif offset == (lane.next or 1):
            self._enter(lane, stored)
        elif offset > lane.next:
            self.read_again(stored.key, stored.partition)

    def read_again(self, key: int, partition: int) -> None:
        """The outbox may hold events of the room that are in no lane."""
        lane = self._lane(key, partition)
        if lane.behind:
            lane.stale = True
        lane.behind = True
        self._behind[key] = None

    def to_read(self, most: int) -> list[tuple[int, int, int]]:
        """Partition, room key and lowest offset of what to read from the outbox now."""
        if self.queued >= self._capacity:
            return []
        keys = list(islice(self._behind, most))
        for key in keys:
            lane = self._lanes[key]
            lane.stale, lane.asked = False, True
            self._behind[key] = self._behind.pop(key)  # rooms that stay behind must not starve others
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
        """The next event to publish; rooms take turns."""
        while self._ready:
            key = self._ready.popleft()
            lane = self._lanes.get(key)
            if lane is None:
                continue
            lane.ready = False
            if lane.failed or not lane.queue:
                continue
            stored = lane.queue.popleft()
            self.queued -= 1
            lane.sent[stored.record.offset] = stored
            self._make_ready(key, lane)
            return stored
        return None

    def confirmed(self, stored: Stored) -> None:
        self._settled(stored, failed=False)

    def refused(self, stored: Stored) -> None:
        """The stream did not confirm it; nothing later of its room is sent before it."""
        self._settled(stored, failed=True)

    def forget(self, partitions: Iterable[int]) -> None:
        """These partitions are another process' now."""
        gone = set(partitions)
        for key in [key for key, lane in self._lanes.items() if lane.partition in gone]:
            self.queued -= len(self._lanes.pop(key).queue)
            self._behind.pop(key, None)

    def _settled(self, stored: Stored, *, failed: bool) -> None:
        lane = self._lanes.get(stored.key)
        if lane is None or lane.sent.pop(stored.record.offset, None) is None:
            return
        if failed:
            lane.failed.append(stored)
        if lane.failed and not lane.sent:
            lane.failed.sort(key=lambda one: one.record.offset)
            lane.queue.extendleft(reversed(lane.failed))
            self.queued += len(lane.failed)
            lane.failed.clear()
            self._make_ready(stored.key, lane)

    def _enter(self, lane: Lane, stored: Stored) -> None:
        if self.queued >= self._capacity:
            self.read_again(stored.key, stored.partition)
            return
        lane.queue.append(stored)
        lane.next = stored.record.offset + 1
        self.queued += 1
        self._make_ready(stored.key, lane)

    def _make_ready(self, key: int, lane: Lane) -> None:
        if lane.queue and not lane.ready and not lane.failed:
            lane.ready = True
            self._ready.append(key)

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
