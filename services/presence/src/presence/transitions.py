"""What is to be said, room by room, until it is sent: many transitions are few messages."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from events.presence import Joined, Left, Person

T = TypeVar("T")

MESSAGE_BYTES = 512 * 1024
"""NATS refuses messages above 1 MiB."""


class Transitions:
    """Of each user and room the last one counts: two that undo each other are none."""

    def __init__(self) -> None:
        self.restated = False
        """Before anything else it is to be said that who is here must be asked anew."""
        self._rooms: dict[str, dict[str, bool]] = {}
        self._changed: dict[str, set[str]] = {}
        """By room, those who were announced before and look different now: an activity, a name, an avatar."""

    def __bool__(self) -> bool:
        return self.restated or bool(self._rooms or self._changed)

    def add(self, room: str, user: str, *, joined: bool) -> None:
        waiting = self._rooms.setdefault(room, {})
        if waiting.get(user, joined) != joined:
            del waiting[user]
            if not waiting:
                del self._rooms[room]
        else:
            waiting[user] = joined

    def change(self, room: str, user: str) -> None:
        self._changed.setdefault(room, set()).add(user)

    def restate(self) -> None:
        """What waited is part of what will be asked for."""
        self.clear()
        self.restated = True

    def clear(self) -> None:
        self._rooms.clear()
        self._changed.clear()
        self.restated = False

    def take(self) -> list[tuple[str, list[str], list[str]]]:
        """Each room, who joined it and who left it; that does not wait any more, nor is `restated` true."""
        rooms, self._rooms, self.restated = self._rooms, {}, False
        for room, waiting in rooms.items():
            self._changed.get(room, set()).difference_update(waiting)
        return [
            (room, _those(waiting, here=True), _those(waiting, here=False)) for room, waiting in rooms.items()
        ]

    def take_changed(self) -> list[tuple[str, list[str]]]:
        """Each room, and those who look different there; call it after `take`."""
        changed, self._changed = self._changed, {}
        return [(room, sorted(users)) for room, users in changed.items() if users]


def _those(waiting: dict[str, bool], *, here: bool) -> list[str]:
    return [user for user, joined in waiting.items() if joined == here]


def joined_messages(people: Sequence[Person], count: int) -> list[bytes]:
    return pieces(people, lambda some: Joined(people=list(some), count=count).encode())


def left_messages(users: Sequence[str], count: int) -> list[bytes]:
    return pieces(users, lambda some: Left(users=list(some), count=count).encode())


def pieces(items: Sequence[T], encode: Callable[[Sequence[T]], bytes]) -> list[bytes]:
    """The items in as few messages as may be sent, roughly."""
    if not items:
        return []
    encoded = encode(items)
    if len(encoded) <= MESSAGE_BYTES or len(items) == 1:
        return [encoded]
    half = len(items) // 2
    return pieces(items[:half], encode) + pieces(items[half:], encode)
