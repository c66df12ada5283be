"""Histories as a system without faults of its own would leave them, made up at random."""

import random
from dataclasses import dataclass, field

from faults.history import (
    Acknowledged,
    Attempt,
    Ended,
    Entry,
    Failed,
    Fault,
    Left,
    Logged,
    Lost,
    Position,
    Run,
    Seen,
    Streamed,
    Subscribed,
)

FAR = 10_000
"""An offset beyond every log here."""


@dataclass
class Client:
    name: str
    connection: int = 1
    seen: dict[str, int] = field(default_factory=dict)
    """The last offset in each room that it wants."""
    inside: set[str] = field(default_factory=set)
    """The rooms that this connection is subscribed to."""
    left: set[str] = field(default_factory=set)


class Story:
    """Posters, rooms and clients; `entries` is what is on record of them."""

    def __init__(self, seed: int, *, rooms: int = 3, clients: int = 4) -> None:
        self.entries: list[Entry] = [Run(seed, "made up", 0.0)]
        self.logs: dict[str, list[Logged]] = {f"room-{number}": [] for number in range(rooms)}
        self.clients = [Client(f"client-{number}") for number in range(clients)]
        self._published: list[Logged] = []
        self._unsaid: list[tuple[Logged, int]] = []
        """Acknowledgements on their way, and their status."""
        self._dice = random.Random(seed)
        self._now = 0.0

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            step = self._dice.choice([*[self.post] * 6, *[self._somebody] * 12, self.fault])
            step()

    def end(self) -> list[Entry]:
        """Everybody comes back and sees the rest; then log and stream are read."""
        self._tell(len(self._unsaid))
        for client in self.clients:
            self.come_back(client)
            for room in sorted(client.inside):
                self._read(client, room, len(self.logs[room]))
        self.entries.append(Ended(quiet=True, at=self._later()))
        for log in self.logs.values():
            self.entries += log
        for sequence, event in enumerate(self._published, start=1):
            self.entries.append(Streamed(event.room, event.epoch, event.offset, event.event, sequence))
        return self.entries

    def post(self) -> None:
        """Until it is logged or given up; the poster may never hear of it, or more than once."""
        room, key = self._dice.choice(list(self.logs)), self._id()
        for _ in range(self._dice.randint(0, 2)):
            self.entries.append(Attempt(key, room, self._later()))
            self.entries.append(Failed(key, room, "503", self._later()))
        self.entries.append(Attempt(key, room, self._later()))
        if self._dice.random() < 0.1:
            self.entries.append(Failed(key, room, "timeout", self._later()))
            return
        event = self._log(room, key)
        self._unsaid += [(event, 200 if again else 201) for again in range(self._dice.randint(0, 3))]
        self._tell(self._dice.randint(0, 4))
        if self._dice.random() < 0.1:
            self._log(room, None)

    def join(self, client: Client) -> None:
        """A room that it was never in: from now on, or from a position that it knows from elsewhere."""
        new = [room for room in self.logs if room not in client.seen and room not in client.left]
        if new:
            room = self._dice.choice(new)
            head = len(self.logs[room])
            self._subscribe(client, room, self._dice.choice([None, None, self._dice.randint(0, head)]))

    def read(self, client: Client) -> None:
        if client.inside:
            self._read(client, self._dice.choice(sorted(client.inside)), self._dice.randint(1, 5))

    def cut(self, client: Client) -> None:
        self.entries.append(Lost(client.name, client.connection, "reset", self._later()))
        client.connection += 1
        client.inside.clear()

    def come_back(self, client: Client) -> None:
        for room, offset in client.seen.items():
            if room not in client.inside:
                self._subscribe(client, room, offset)

    def come_back_lost(self, client: Client) -> None:
        """With a position that the log does not have, or without any."""
        for room in sorted(client.seen.keys() - client.inside):
            offset = self._dice.choice([None, FAR, 0])
            self._subscribe(client, room, offset, "another" if offset == 0 else None)

    def leave(self, client: Client) -> None:
        if client.inside and self._dice.random() < 0.2:
            room = self._dice.choice(sorted(client.inside))
            self.entries.append(Left(client.name, room, self._later()))
            client.inside.remove(room)
            del client.seen[room]
            client.left.add(room)

    def fault(self) -> None:
        began = self._later()
        self.entries.append(Fault(self._dice.choice(["kill", "freeze"]), "any", began, self._later(), ""))

    def _somebody(self) -> None:
        client = self._dice.choice(self.clients)
        steps = [
            self.join,
            *[self.read] * 5,
            self.cut,
            *[self.come_back] * 3,
            self.come_back_lost,
            self.leave,
        ]
        self._dice.choice(steps)(client)

    def _subscribe(
        self, client: Client, room: str, offset: int | None, another_epoch: str | None = None
    ) -> None:
        epoch, head = _epoch(room), len(self.logs[room])
        since = None if offset is None else Position(another_epoch or epoch, offset)
        recovered = since is not None and since.epoch == epoch and since.offset <= head
        client.inside.add(room)
        client.seen[room] = since.offset if since is not None and recovered else head
        self.entries.append(
            Subscribed(
                client.name, client.connection, room, "native", since, epoch, head, recovered, self._later()
            )
        )

    def _read(self, client: Client, room: str, count: int) -> None:
        after = client.seen[room]
        for event in self.logs[room][after : after + count]:
            self.entries.append(
                Seen(
                    client.name,
                    client.connection,
                    room,
                    event.epoch,
                    event.offset,
                    event.event,
                    event.digest,
                    self._later(),
                )
            )
            client.seen[room] = event.offset

    def _log(self, room: str, key: str | None) -> Logged:
        log = self.logs[room]
        comment = None if key is None else self._id()
        event = Logged(room, _epoch(room), len(log) + 1, self._id(), self._id(), comment, key)
        log.append(event)
        self._published.append(event)
        return event

    def _tell(self, count: int) -> None:
        for event, status in self._unsaid[:count]:
            assert event.key is not None
            assert event.comment is not None
            self.entries.append(
                Acknowledged(event.key, event.room, event.comment, event.offset, status, self._later())
            )
        del self._unsaid[:count]

    def _id(self) -> str:
        return f"{self._dice.getrandbits(64):016x}"

    def _later(self) -> float:
        self._now += self._dice.random()
        return self._now


def history(seed: int, steps: int = 200) -> list[Entry]:
    story = Story(seed)
    story.go_on(steps)
    return story.end()


def _epoch(room: str) -> str:
    return f"epoch-of-{room}"
