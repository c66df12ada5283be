"""What one client of the laboratory notes, and where it stands in each of its rooms."""

import time

from faults.history import Lost, Position, Protocol, Recorder, Seen, Subscribed, digest


class Diary:
    def __init__(self, recorder: Recorder, client: str, protocol: Protocol, rooms: list[str]) -> None:
        self.client = client
        self.places: dict[str, Position | None] = dict.fromkeys(rooms)
        """Where each room's next subscription goes on from."""
        self._recorder = recorder
        self._protocol: Protocol = protocol

    @property
    def rooms(self) -> list[str]:
        return list(self.places)

    def has(self, heads: dict[str, int]) -> bool:
        """Whether it has come as far as its rooms' logs have."""
        places = ((room, self.places[room]) for room in self.rooms)
        return all(place is not None and place.offset >= heads.get(room, 0) for room, place in places)

    def subscribed(
        self, connection: int, room: str, since: Position | None, head: Position, *, recovered: bool
    ) -> None:
        at = time.monotonic()
        self._recorder.note(
            Subscribed(self.client, connection, room, self._protocol, since, *head, recovered, at)
        )
        if not recovered:
            self.places[room] = head

    def seen(self, connection: int, room: str, place: Position, event: str, encoded: bytes) -> None:
        at, (epoch, offset) = time.monotonic(), place
        self._recorder.note(Seen(self.client, connection, room, epoch, offset, event, digest(encoded), at))
        before = self.places[room]
        if before is None or before.epoch != epoch or before.offset < offset:
            self.places[room] = place

    def lost(self, connection: int, reason: str) -> None:
        self._recorder.note(Lost(self.client, connection, reason, time.monotonic()))
