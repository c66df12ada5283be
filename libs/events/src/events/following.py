"""What one consumer tells of an app's leases, from their state to the present, without I/O.

It numbers what it delivers 1, 2, 3 …, so that a message that was lost is missed at once.
"""

from events.leases import LeaseWatcher


class Missed(Exception):
    """Something was lost on the way: begin again with another consumer."""


class Following:
    def __init__(self, watcher: LeaseWatcher) -> None:
        self._watcher = watcher
        self._number = 0
        self._live: dict[str, bytes] = {}
        self._whole: bool | None = None
        self._caught_up = False
        self.begun = False

    def start(self, *, whole: bool, waiting: int) -> None:
        """The consumer is there, and had so many messages to deliver when it was made."""
        self._whole = whole
        if not waiting:
            self._caught_up = True
        self._settle()

    def extended(self, number: int, waiting: int, key: str, value: bytes) -> None:
        """Message `number`, after which `waiting` others wait. Raise `Missed`."""
        self._count(number)
        if self.begun:
            self._live[key] = b""  # from here on only the keys matter
            self._watcher.extended(key, value)
        else:
            self._live[key] = value
            self._catch_up(waiting)

    def ended(self, number: int, waiting: int, key: str, *, expired: bool) -> None:
        """As `extended`; the server tells the end of a lease twice if its holder ended it."""
        self._count(number)
        known = self._live.pop(key, None) is not None
        if not self.begun:
            self._catch_up(waiting)
        elif known:
            self._watcher.ended(key, expired=expired)

    def idle(self, number: int) -> None:
        """The consumer has nothing to deliver after that message. Raise `Missed`."""
        if number != self._number:
            raise Missed(f"{number - self._number} messages")
        self._catch_up(0)

    def _count(self, number: int) -> None:
        if number != self._number + 1:
            raise Missed(f"{number - self._number - 1} messages")
        self._number = number

    def _catch_up(self, waiting: int) -> None:
        """When nothing waits, no key can be missing because it was extended while others were delivered."""
        self._caught_up = self._caught_up or not waiting
        self._settle()

    def _settle(self) -> None:
        if self._caught_up and self._whole is not None and not self.begun:
            self.begun = True
            self._watcher.began(self._live, whole=self._whole)
            self._live = dict.fromkeys(self._live, b"")
