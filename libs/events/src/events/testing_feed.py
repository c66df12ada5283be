"""The port `EventFeed` in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from events.feed import Received
from events.record import Record, received
from events.testing_pulling import MemoryPulling


class MemoryFeed:
    """`EventFeed`; `held` gives the stream's records by sequence, or raises `StreamError`."""

    def __init__(self, held: Callable[[], Mapping[int, Record]]) -> None:
        self._read = held
        self._pulling = MemoryPulling(self._held)
        self._life: Mapping[int, Record] | None = None

    def wake(self) -> None:
        """An event was persisted."""
        self._pulling.wake()

    async def take(self, app: str, durable: str, most: int, wait: float) -> Sequence[Received]:
        pulled = await self._pulling.take(app, durable, most, wait)
        records = self._records()
        return [
            Received(_copy(records[sequence]), reply, again)
            for sequence, reply, again in pulled
            if sequence in records
        ]

    async def confirm(self, received: Sequence[Received]) -> None:
        self._records()
        self._pulling.confirm(each.reply for each in received)

    def _records(self) -> Mapping[int, Record]:
        """A stream that was made anew has no consumers."""
        if (records := self._read()) is not self._life:
            self._pulling.forget()
            self._life = records
        return records

    def _held(self, app: str, after: int) -> Iterator[int]:
        records = self._records()
        return (sequence for sequence, record in records.items() if sequence > after and record.app == app)


def _copy(record: Record) -> Record:
    """As it arrives."""
    return received(record.subject, record.headers(), record.data)
