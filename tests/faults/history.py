"""What a run of the laboratory puts on record: what everyone did, was told and saw.

A record is a file of JSON lines, one entry a line, written as it happens, so that it outlives whatever
the run breaks. Entries of one client in one room, and of one room's log or stream, stand in the order in
which they happened; others may stand in any order. All times are seconds of this machine's
`time.monotonic()`, which no clock step moves and all its processes share.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Self

Protocol = Literal["native", "sse"]


class Position(NamedTuple):
    epoch: str
    offset: int


class Run(NamedTuple):
    """What was asked of the laboratory."""

    seed: int
    variant: str
    """Such as "one NATS" or "three NATS, R3"."""
    at: float


class Attempt(NamedTuple):
    """A poster sends a comment: once for each try of the same key."""

    key: str
    room: str
    at: float


class Acknowledged(NamedTuple):
    """The answer 201 or 200: the comment is in the log, at this offset."""

    key: str
    room: str
    comment: str
    offset: int
    status: int
    at: float


class Failed(NamedTuple):
    """Any other end of a try: the comment may be in the log or not."""

    key: str
    room: str
    reason: str
    """The status ("503"), or what happened instead of one ("timeout")."""
    at: float


class Subscribed(NamedTuple):
    """The server's answer to a subscription, before any event that follows it."""

    client: str
    connection: int
    """1, 2, 3 … for each client."""
    room: str
    protocol: Protocol
    since: Position | None
    """What the client asked to go on from, as it sent it."""
    epoch: str
    offset: int
    recovered: bool
    at: float


class Seen(NamedTuple):
    """An event reached a client."""

    client: str
    connection: int
    room: str
    epoch: str
    """Of the event itself where the protocol says it (SSE), else of the subscription."""
    offset: int
    event: str
    """The event's `id`."""
    digest: str
    """`digest` of its bytes as they came."""
    at: float


class Lost(NamedTuple):
    """A client's connection ended otherwise than by its own will."""

    client: str
    connection: int
    reason: str
    """The close code ("4000"), or what happened instead of one ("reset")."""
    at: float


class Left(NamedTuple):
    """A client left a room for good: nobody expects it to see what happens there later."""

    client: str
    room: str
    at: float


class Fault(NamedTuple):
    """Something that the laboratory broke; noted when it is whole again."""

    kind: str
    """As it is called in the table: "kill -9 fanout"."""
    target: str
    """Which one: "fanout-1"."""
    began: float
    ended: float
    """When it was put right: a process that was killed answers again, a cut line is whole."""
    detail: str


class Ended(NamedTuple):
    """Posters and faults have stopped, and clients had time to come back and catch up."""

    quiet: bool
    """False if the run was broken off: then nobody needs to have reached the end of the log."""
    at: float


class Logged(NamedTuple):
    """An event as Postgres has it after the run; in order of offset for each room."""

    room: str
    epoch: str
    offset: int
    event: str
    digest: str
    comment: str | None
    """Of a `comment.posted`; None for any other type."""
    key: str | None
    """The idempotency key of a `comment.posted`, if it has one."""


class Streamed(NamedTuple):
    """A message as the JetStream stream has it after the run; in order of sequence."""

    room: str
    epoch: str
    offset: int
    event: str
    sequence: int


Entry = (
    Run
    | Attempt
    | Acknowledged
    | Failed
    | Subscribed
    | Seen
    | Lost
    | Left
    | Fault
    | Ended
    | Logged
    | Streamed
)

_KINDS: dict[str, type[Entry]] = {
    kind.__name__: kind
    for kind in (
        Run,
        Attempt,
        Acknowledged,
        Failed,
        Subscribed,
        Seen,
        Lost,
        Left,
        Fault,
        Ended,
        Logged,
        Streamed,
    )
}


def digest(event: bytes) -> str:
    """Of an encoded event, byte for byte as the log has it and every carrier must hand it on."""
    return hashlib.blake2b(event, digest_size=8).hexdigest()


class Recorder:
    """Appends entries to a file. Each is handed to the system at once and whole: processes may share one."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(self, *entries: Entry) -> None:
        """Raise `OSError` if it cannot be kept, on a full disk for one."""
        lines = "".join(map(encode, entries)).encode()
        if os.write(self._file, lines) != len(lines):
            raise OSError("only a part of an entry could be written")

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Record:
    """The entries of a file, read anew by each iteration: it may be larger than memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Entry]:
        """Raise `ValueError` for a line that is none of them; one that was never finished is left out."""
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield decode(line)


def encode(entry: Entry) -> str:
    return json.dumps([type(entry).__name__, *entry], separators=(",", ":"), ensure_ascii=False) + "\n"


def decode(line: str) -> Entry:
    """Raise `ValueError` if the line is not an entry."""
    try:
        name, *fields = json.loads(line)
        entry = _KINDS[name](*fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an entry of a record: {line[:200]!r}") from error
    if isinstance(entry, Subscribed) and entry.since is not None:
        return entry._replace(since=Position(*entry.since))
    return entry
