"""The port to leases: keys that expire unless they are extended, by which presence knows who is here.

The real one is the KV bucket `presence` of NATS, where each value has a time to live of its own; expiry is
seen as the server's own marker, never by polling. `testing.py` holds one in memory.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from events.stream import Stop


class LeaseWatcher(Protocol):
    """Is told what becomes of an app's leases, in the order in which it happens."""

    def began(self, leases: Mapping[str, bytes], *, whole: bool) -> None:
        """All that are live now, by key; this replaces what was known.

        Called first, and again whenever changes may have been missed. `whole` is false if the keys may
        still be on their way: the bucket is new, or the connection to NATS was lost.
        """
        ...

    def extended(self, key: str, value: bytes) -> None:
        """A lease began, or goes on, perhaps with another value."""
        ...

    def ended(self, key: str, *, expired: bool) -> None:
        """It expired, or its holder ended it."""
        ...

    def lost(self) -> None:
        """The connection is lost: nothing is heard until `began`."""
        ...


class Leases(Protocol):
    """All raise `StreamError`, or let their future raise it, if NATS is away or the bucket is gone.

    If the bucket is full, that is `Full` for a lease that begins or grows; any other can still be extended
    and ended, but for a bucket with replicas: a cluster then refuses everything.
    """

    async def ensure_leases(self) -> None:
        """Make the bucket if it is gone; configure it as it should be."""
        ...

    async def extend(self, key: str, value: bytes, ttl: float) -> asyncio.Future[None]:
        """Begin or extend a lease by `ttl` seconds (1 at least, whole ones); done once the bucket has it.

        Calls are pipelined: hand many over, then wait for their futures.
        """
        ...

    async def end(self, key: str) -> asyncio.Future[None]:
        """End it now; nothing happens if there is none."""
        ...

    async def watch_leases(self, app: str, watcher: LeaseWatcher) -> Stop:
        """Tell the watcher what becomes of the leases of an app, also across reconnects and a new bucket."""
        ...

    async def take_lead(self, app: str, holder: str, ttl: float) -> bool:
        """Take or keep the lead for `ttl` seconds; whether `holder` has it. One has it at a time."""
        ...

    async def leave_lead(self, app: str, holder: str) -> None:
        """Let another one take it at once."""
        ...


class LastSeen(Protocol):
    """The bucket `last_seen`: a value for each user, on disk. All raise `StreamError`."""

    async def ensure_last_seen(self) -> None: ...

    async def seen(self, app: str, user: str, value: bytes) -> asyncio.Future[None]:
        """Keep the value; pipelined, as `Leases.extend`."""
        ...

    async def when_seen(self, app: str, users: list[str]) -> Mapping[str, bytes]:
        """The values of those users who have one; at most 100 are asked for."""
        ...
