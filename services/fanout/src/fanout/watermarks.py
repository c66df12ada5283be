"""How far the members of one room are, as it was shown to those who are here, and as it is by now: pure.

Watermarks only grow while the epoch is the same, so what comes late, or twice, changes nothing. Of a room
with more than `LISTED` members counts are told, and the first of them to whoever comes in.
"""

from collections.abc import Iterable, Sequence

from pydantic import TypeAdapter

from events.receipts import LISTED, Counts, MemberReceipt, Watermarks, WatermarksAnswer

_receipts: TypeAdapter[Sequence[MemberReceipt]] = TypeAdapter(Sequence[MemberReceipt])


class Marks:
    def __init__(self) -> None:
        self.known = False
        self.doubtful = False
        """Something was heard that does not fit: ask again."""
        self._epoch = ""
        self._members = 0
        self._shown: dict[str, MemberReceipt] = {}
        self._ahead: dict[str, MemberReceipt] = {}
        """Members who moved since, or are new."""
        self._counts: Counts | None = None
        self._counted = False
        """Counts were heard while the question was on its way: they are newer than the answer's."""
        self._recounted = False
        """The counts are others than were shown."""
        self._restate = False
        self._state: bytes | None = None

    @property
    def large(self) -> bool:
        return self._members > LISTED

    # What is learnt

    def asked(self) -> None:
        """A question is on its way."""
        self.doubtful = False
        self._counted = False

    def answered(self, answer: WatermarksAnswer) -> None:
        same = self.known and answer.epoch == self._epoch
        known = {**self._shown, **self._ahead} if same else {}
        marks = {each.user: _further(known.get(each.user), each) for each in answer.receipts}
        large = answer.members > LISTED
        if not same or large != self.large or not (large or marks.keys() >= self._shown.keys()):
            self._restate = self._restate or self.known
            self._shown, self._ahead = marks, {}
            self._members, self._counts = answer.members, answer.counts
        elif large:
            self._shown = marks
            if not self._counted:
                self._count(answer.members, answer.counts)
        else:
            self._ahead = {user: each for user, each in marks.items() if self._shown.get(user) != each}
            self._members = answer.members
        self._epoch = answer.epoch
        self.known = True
        self._state = None

    def moved(self, heard: Watermarks) -> None:
        if not self.known or heard.epoch != self._epoch:
            self.doubtful = True
        elif not self.large:
            self.doubtful = self.doubtful or heard.members != self._members
            self._move(heard.moved)
        elif heard.members <= LISTED:
            self.doubtful = True
        else:
            self._counted = self._counted or heard.counts is not None
            self._count(heard.members, heard.counts or self._counts)
            self._move_listed(heard.moved)

    def knows(self, users: Iterable[str]) -> bool:
        """All of these are listed as members."""
        return self.known and all(user in self._shown or user in self._ahead for user in users)

    # What is shown

    @property
    def pending(self) -> bool:
        """Something is known that was not shown."""
        return self.known and (self._restate or self._recounted or bool(self._ahead))

    def flush(self) -> bytes | None:
        """Show what is known: what those are told, as JSON, who were shown the rest."""
        if not self.known:
            return None
        restate, self._restate = self._restate, False
        recounted, self._recounted = self._recounted, False
        moved = [each for user, each in self._ahead.items() if self._shown.get(user) != each]
        if moved:
            self._shown.update(self._ahead)
            self._state = None
        self._ahead = {}
        if restate:
            return self.restatement()
        if self.large:
            return b'{"members":%d,"counts":%b}' % (self._members, self._encoded()) if recounted else None
        return b'{"receipts":%b}' % _encode(moved) if moved else None

    def state(self) -> bytes:
        """What was shown, as JSON: the next `flush` follows on it. `null` if nothing is known."""
        if not self.known:
            self._restate = True
            return b"null"
        if self._state is None:
            receipts = _encode(list(self._shown.values()))
            parts = (self._members if self.large else len(self._shown), receipts, self._encoded())
            self._state = b'{"members":%d,"receipts":%b,"counts":%b}' % parts
        return self._state

    def restatement(self) -> bytes:
        """The state for those who were shown another one."""
        return b'%b,"state":true}' % self.state()[:-1]

    # Inside

    def _move(self, moved: Iterable[MemberReceipt]) -> None:
        for each in moved:
            known = self._ahead.get(each.user) or self._shown.get(each.user)
            if known is None:
                self.doubtful = True
            else:
                self._ahead[each.user] = _further(known, each)

    def _move_listed(self, moved: Iterable[MemberReceipt]) -> None:
        for each in moved:
            if (known := self._shown.get(each.user)) is not None:
                self._shown[each.user] = _further(known, each)
                self._state = None

    def _count(self, members: int, counts: Counts | None) -> None:
        if (members, counts) != (self._members, self._counts):
            self._members, self._counts = members, counts
            self._recounted = True
            self._state = None

    def _encoded(self) -> bytes:
        return b"null" if self._counts is None else self._counts.encode()


def _encode(receipts: Sequence[MemberReceipt]) -> bytes:
    """Most are no newcomers: only of those who are it is said."""
    return _receipts.dump_json(receipts, exclude_defaults=True)


def _further(known: MemberReceipt | None, given: MemberReceipt) -> MemberReceipt:
    """Both watermarks only grow, and who has read something is no newcomer there any more."""
    if known is None:
        return given
    further = max(known, given, key=lambda each: (each.read, not each.newcomer))
    delivered = max(given.delivered, known.delivered)
    return further if further.delivered == delivered else further.model_copy(update={"delivered": delivered})
