"""What a consumer tells of leases, from their state to the present, without I/O.

It numbers what it delivers 1, 2, 3 …, so that a message that was lost is missed at once. How many wait, which
it says too, proves nothing: the server takes away what was replaced before it adds what replaced it. So the
state is whole once something was heard of every key that the bucket has. A lease whose end was heard, and
that was taken again while the bucket was asked for its keys, may be missing: it is told after the state.
"""

from collections.abc import Iterable

from events.leases import LeaseWatcher


class Missed(Exception):
    """Something was lost on the way: begin again with another consumer."""


class Following:
    def __init__(self, watcher: LeaseWatcher) -> None:
        self._watcher = watcher
        self._number = 0
        self._live: dict[str, bytes] = {}
        self._heard: set[str] = set()
        self._unheard: set[str] = set()
        self._whole: bool | None = None
        self.begun = False

    def expect(self, keys: Iterable[str], *, whole: bool) -> None:
        """The bucket has these keys, or had them after the consumer was made.

        Until `begun` it may be said again: a key that is gone since then may never be heard of.
        """
        self._whole = whole
        self._unheard = set(keys) - self._heard
        self._settle()

    def extended(self, number: int, key: str, value: bytes) -> None:
        """Message `number`. Raise `Missed`."""
        self._count(number)
        if self.begun:
            self._live[key] = b""  # from here on only the keys matter
            self._watcher.extended(key, value)
        else:
            self._live[key] = value
            self._hear(key)

    def ended(self, number: int, key: str, *, expired: bool) -> None:
        """As `extended`; the server tells the end of a lease twice if its holder ended it."""
        self._count(number)
        known = self._live.pop(key, None) is not None
        if not self.begun:
            self._hear(key)
        elif known:
            self._watcher.ended(key, expired=expired)

    def idle(self, number: int) -> None:
        """The consumer has nothing to deliver after that message. Raise `Missed`."""
        if number != self._number:
            raise Missed(f"{number - self._number} messages")
        self._unheard.clear()
        self._settle()

    def _count(self, number: int) -> None:
        if number != self._number + 1:
            raise Missed(f"{number - self._number - 1} messages")
        self._number = number

    def _hear(self, key: str) -> None:
        self._heard.add(key)
        self._unheard.discard(key)
        self._settle()

    def _settle(self) -> None:
        if self._whole is not None and not self._unheard and not self.begun:
            self.begun = True
            self._watcher.began(self._live, whole=self._whole)
            self._live = dict.fromkeys(self._live, b"")
            self._heard.clear()
