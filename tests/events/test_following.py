"""What a consumer tells of leases: from their state to the present, and nothing twice."""

import pytest
from contract.recording import Began, Diary, Ended, Extended
from hypothesis import example, given
from hypothesis import strategies as st

from events.following import Following, Missed


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def following(diary: Diary) -> Following:
    return Following(diary)


def test_the_state_is_told_once_all_that_is_there_was_heard_of(following: Following, diary: Diary) -> None:
    following.expect({"a", "b"}, whole=True)
    following.extended(1, "a", b"1")
    following.extended(2, "c", b"new")
    assert diary.all == []
    following.extended(3, "b", b"2")
    assert diary.all == [Began({"a": b"1", "c": b"new", "b": b"2"}, whole=True)]


def test_messages_may_come_before_it_is_known_what_is_there(following: Following, diary: Diary) -> None:
    following.extended(1, "a", b"1")
    following.extended(2, "b", b"2")
    following.ended(3, "c", expired=True)
    assert diary.all == []
    following.expect({"a", "b", "c"}, whole=False)
    assert diary.all == [Began({"a": b"1", "b": b"2"}, whole=False)]


def test_of_an_empty_bucket_the_state_is_told_at_once(following: Following, diary: Diary) -> None:
    following.expect((), whole=True)
    assert diary.all == [Began({}, whole=True)]


def test_what_was_gone_before_it_was_delivered_is_not_waited_for_once_nothing_is_left(
    following: Following, diary: Diary
) -> None:
    following.expect({"a", "b"}, whole=True)
    following.extended(1, "a", b"1")
    following.idle(1)
    assert diary.all == [Began({"a": b"1"}, whole=True)]


def test_what_was_gone_before_it_was_delivered_is_not_waited_for_once_it_is_known(
    following: Following, diary: Diary
) -> None:
    following.expect({"a", "b"}, whole=True)
    following.extended(1, "a", b"1")
    following.expect({"a"}, whole=True)
    assert diary.all == [Began({"a": b"1"}, whole=True)]


def test_that_nothing_is_left_says_nothing_before_it_is_known_what_is_there(
    following: Following, diary: Diary
) -> None:
    following.idle(0)
    following.expect({"a"}, whole=True)
    assert diary.all == []


def test_what_is_there_is_of_no_interest_once_the_state_was_told(following: Following, diary: Diary) -> None:
    following.expect((), whole=True)
    following.expect({"a"}, whole=False)
    following.extended(1, "b", b"")
    assert diary.all == [Began({}, whole=True), Extended("b", b"")]


def test_a_lease_that_ended_before_the_state_was_told_is_not_in_it(
    following: Following, diary: Diary
) -> None:
    following.expect({"a", "b"}, whole=True)
    following.extended(1, "a", b"")
    following.ended(2, "a", expired=True)
    following.ended(3, "b", expired=False)
    assert diary.all == [Began({}, whole=True)]


def test_an_end_is_told_once(following: Following, diary: Diary) -> None:
    following.expect((), whole=True)
    following.extended(1, "a", b"")
    following.ended(2, "a", expired=False)
    following.ended(3, "a", expired=True)
    assert diary.all[1:] == [Extended("a", b""), Ended("a", expired=False)]


@pytest.mark.parametrize("number", [1, 3])
def test_a_message_that_is_not_the_next_one_says_that_others_were_missed(
    following: Following, number: int
) -> None:
    following.extended(1, "a", b"")
    with pytest.raises(Missed):
        following.extended(number, "a", b"")


def test_an_idle_consumer_that_sent_more_says_that_something_was_missed(following: Following) -> None:
    following.extended(1, "a", b"")
    with pytest.raises(Missed):
        following.idle(2)


class Bucket:
    """The last message of each key, and a consumer of it that may lag."""

    def __init__(self, diary: Diary) -> None:
        self.last: dict[str, tuple[int, str]] = {}
        self.following = Following(diary)
        self.ended: set[str] = set()
        """Of which the end was delivered, and nothing since."""
        self._sequence = self._place = self._number = 0

    @property
    def live(self) -> dict[str, bytes]:
        return {key: b"%d" % at for key, (at, kind) in self.last.items() if kind == "extended"}

    def write(self, key: str, kind: str) -> None:
        self._sequence += 1
        self.last[key] = (self._sequence, kind)

    def deliver(self) -> None:
        """The next message that nothing has replaced."""
        later = [(at, key, kind) for key, (at, kind) in self.last.items() if at > self._place]
        if not later:
            self.following.idle(self._number)
            return
        self._place, key, kind = min(later)
        self._number += 1
        if kind == "extended":
            self.ended.discard(key)
            self.following.extended(self._number, key, b"%d" % self._place)
        else:
            self.ended.add(key)
            self.following.ended(self._number, key, expired=kind == "expired")

    def ask(self) -> None:
        """Markers are gone after a while."""
        self.following.expect(self.last.copy(), whole=True)


KINDS = ["extended", "expired", "ended"]
WRITES = st.tuples(st.sampled_from("abc"), st.sampled_from(KINDS))


@example(steps=[("b", "expired"), "deliver", ("b", "extended"), "ask"])
@given(steps=st.lists(st.one_of(WRITES, st.sampled_from(["deliver", "ask", "forget"])), max_size=40))
def test_whatever_is_replaced_before_it_is_delivered_the_state_lacks_nothing(
    steps: list[tuple[str, str] | str],
) -> None:
    diary = Diary()
    bucket = Bucket(diary)
    asked: set[str] = set()
    for step in steps:
        match step:
            case "deliver":
                bucket.deliver()
            case "ask":
                asked = asked if bucket.following.begun else bucket.live.keys() - bucket.ended
                bucket.ask()
            case "forget":
                bucket.last = {key: last for key, last in bucket.last.items() if last[1] == "extended"}
            case (key, kind):
                bucket.write(key, kind)
                asked -= {key} if kind != "extended" and not bucket.following.begun else set()
    for told in diary.all[:1]:
        assert isinstance(told, Began)
        assert told.leases.keys() >= asked


@example(steps=[("b", "expired"), "deliver", ("b", "extended"), "ask"])
@given(steps=st.lists(st.one_of(WRITES, st.sampled_from(["deliver", "ask"])), max_size=40))
def test_whenever_the_state_is_told_it_leads_to_what_is_live(steps: list[tuple[str, str] | str]) -> None:
    diary = Diary()
    bucket = Bucket(diary)
    for step in [*steps, "ask", *["deliver"] * 4]:
        match step:
            case "deliver":
                bucket.deliver()
            case "ask":
                bucket.ask()
            case (key, kind):
                bucket.write(key, kind)
    assert folded(diary).keys() == bucket.live.keys()


def folded(diary: Diary) -> dict[str, bytes]:
    """What a watcher knows that was told this; every end must be of what it knows."""
    known = dict[str, bytes]()
    for told in diary.all:
        match told:
            case Began(leases, _):
                known = dict(leases)
            case Extended(key, value):
                known[key] = value
            case Ended(key, _):
                del known[key]
    return known
