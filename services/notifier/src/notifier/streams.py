"""The streams of an HTTP/2 connection: each one request, and as much of its answer as has come."""

from dataclasses import dataclass, field
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings

from notifier.wire import MAX_ANSWER, Exchange, Response

_CONFIG: Final = H2Configuration(client_side=True, header_encoding="latin-1")


@dataclass(slots=True)
class Stream:
    exchange: Exchange
    unsent: bytes
    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    def answer(self) -> None:
        self.exchange.answer(Response(self.status, self.fields, bytes(self.body[:MAX_ANSWER])))

    def end(self, reason: str) -> None:
        """A status is an answer, even if the rest of it does not come."""
        if self.status:
            self.answer()
        else:
            self.exchange.lose(reason)


class Streams(H2Connection):
    """A client's, to which nothing is to be pushed."""

    MAX_CLOSED_STREAMS = 1_000
    """That are remembered, 200 bytes each: a connection lives long and has a stream for each push."""

    def __init__(self) -> None:
        super().__init__(_CONFIG)
        self.local_settings = Settings(client=True, initial_values={SettingCodes.ENABLE_PUSH: 0})
