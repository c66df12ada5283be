"""Who asked for whom: in a large room a member is told of those alone."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

Follower = TypeVar("Follower")


class Follows(Generic[Follower]):
    def __init__(self) -> None:
        self._of: dict[Follower, Sequence[str]] = {}
        self._by: dict[str, set[Follower]] = {}

    def __contains__(self, user: object) -> bool:
        """Somebody follows the user."""
        return user in self._by

    @property
    def users(self) -> Sequence[str]:
        """All who are followed."""
        return list(self._by)

    @property
    def followers(self) -> Sequence[Follower]:
        return list(self._of)

    def of(self, follower: Follower) -> Sequence[str]:
        return self._of.get(follower, ())

    def by(self, user: str) -> Iterable[Follower]:
        return self._by.get(user, ())

    def replace(self, follower: Follower, users: Sequence[str]) -> Sequence[str]:
        """From now on it follows these; who is followed by nobody any more is returned."""
        before = self._of.pop(follower, ())
        if users:
            self._of[follower] = users
        for user in users:
            self._by.setdefault(user, set()).add(follower)
        gone = set(before) - set(users)
        for user in gone:
            self._by[user].discard(follower)
        dropped = [user for user in gone if not self._by[user]]
        for user in dropped:
            del self._by[user]
        return dropped
