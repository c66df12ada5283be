"""What a record says regardless of clients: the log, what posters were told, the stream, the faults."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from faults.history import Acknowledged, Attempt, Ended, Entry, Failed, Fault, Logged, Run, Seen, Streamed


@dataclass(slots=True)
class Room:
    """A room's log, as it was after the run."""

    epoch: str | None = None
    """None if the log does not have the room."""
    head: int = 0
    events: dict[int, Logged] = field(default_factory=dict)


NOWHERE = Room()


class Truth:
    def __init__(self, entries: Iterable[Entry]) -> None:
        self.run: Run | None = None
        self.rooms: dict[str, Room] = {}
        self.logged: list[Logged] = []
        self.streamed: list[Streamed] = []
        self.faults: list[Fault] = []
        self.tries: list[float] = []
        """When something was posted."""
        self.tried: dict[str, float] = {}
        """When each key was first posted."""
        self.acknowledged: dict[str, list[Acknowledged]] = {}
        """By key, in order of time."""
        self.failed: Counter[str] = Counter()
        """Tries without an acknowledgement, by reason."""
        self.quiet = False
        self.seconds = 0.0
        for entry in entries:
            if not isinstance(entry, Seen):  # most entries are
                self._take(entry)
        for told in self.acknowledged.values():
            told.sort(key=lambda each: each.at)

    def room(self, name: str) -> Room:
        return self.rooms.get(name, NOWHERE)

    def _take(self, entry: Entry) -> None:
        match entry:
            case Attempt(key, _, at):
                self.tries.append(at)
                self.tried[key] = min(at, self.tried.get(key, at))
            case Acknowledged():
                self.acknowledged.setdefault(entry.key, []).append(entry)
            case Failed():
                self.failed[entry.reason] += 1
            case Fault():
                self.faults.append(entry)
            case Logged():
                self._log(entry)
            case Streamed():
                self.streamed.append(entry)
            case Ended():
                self.quiet = entry.quiet
                self.seconds = entry.at - self.run.at if self.run is not None else 0.0
            case Run():
                self.run = entry

    def _log(self, entry: Logged) -> None:
        self.logged.append(entry)
        room = self.rooms.setdefault(entry.room, Room())
        room.epoch = entry.epoch
        room.head = max(room.head, entry.offset)
        room.events[entry.offset] = entry
