"""Of whom it is to be asked next what they have not read of one room: pure."""

from collections.abc import Container, Iterable, Sequence
from itertools import islice


class Lane:
    """Those who read on come first; then everybody whom a change of the room concerns."""

    def __init__(self) -> None:
        self._urgent: dict[str, None] = {}
        self._waiting: dict[str, None] = {}
        self._everybody = False
        """The room changed, and it is not listed yet whom that concerns."""
        self._moved: set[str] = set()
        """They read on while they were asked for: the answer may be older than that."""

    @property
    def urgent(self) -> bool:
        return bool(self._urgent)

    def changed(self, users: Iterable[str]) -> None:
        """The room changed for all of its members, and for these, who may be new ones."""
        self._everybody = True
        self.put(users)

    def put(self, users: Iterable[str]) -> None:
        self._waiting.update(dict.fromkeys(users))

    def read(self, user: str, *, ask: bool) -> None:
        """The user read on; `ask` if it is not known what is left."""
        self._moved.add(user)
        if ask:
            self._urgent[user] = None

    def take(self, most: int, watched: Container[str], members: Iterable[str]) -> Sequence[str]:
        """Of whom to ask now; nobody: nothing waits. `members` are those of the room who are watched."""
        self._moved.clear()
        taken = self._taken(most, watched)
        if self._everybody and len(taken) < most:
            self._everybody = False
            self.put(user for user in members if user not in taken)
            taken |= self._taken(most - len(taken), watched)
        return list(taken)

    def superseded(self, user: str) -> bool:
        """What was answered of the user may be older than what is known; then it is asked again."""
        if user in self._moved:
            self._waiting[user] = None
            return True
        return False

    def _taken(self, most: int, watched: Container[str]) -> dict[str, None]:
        taken: dict[str, None] = {}
        for users in (self._urgent, self._waiting):
            while users and len(taken) < most:
                for user in list(islice(users, most - len(taken))):
                    del users[user]
                    if user in watched:
                        taken[user] = None
        return taken
