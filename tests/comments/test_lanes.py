"""Whatever the order of commits, reads, refusals and losses: all is published, each room in order."""

from collections import defaultdict
from dataclasses import replace

from contract.recording import record
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from comments.lanes import Lanes
from comments.log import Stored

ROOMS = st.integers(1, 4)
PAGE = 3
"""Rows that one read of the outbox returns at most."""


def stored(key: int, offset: int = 1) -> Stored:
    return Stored(key, key % 2, record("app", f"room-{key}", offset))


class Publishing(RuleBasedStateMachine):
    """One process' lanes beside a log, an outbox and a stream."""

    kept = 100
    """Rooms that the lanes remember."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes(capacity=4, rooms=self.kept)
        self.heads: defaultdict[int, int] = defaultdict(int)
        self.outbox: set[tuple[int, int]] = set()
        self.untold: list[Stored] = []
        self.reading: tuple[list[int], list[Stored]] | None = None
        self.on_their_way: list[Stored] = []
        self.confirmed: set[tuple[int, int]] = set()

    def commit(self, key: int) -> Stored:
        self.heads[key] += 1
        self.outbox.add((key, self.heads[key]))
        return stored(key, self.heads[key])

    @rule(key=ROOMS)
    def commit_here(self, key: int) -> None:
        self.untold.append(self.commit(key))

    @precondition(lambda self: self.untold)
    @rule()
    def tell_of_a_commit(self) -> None:
        self.lanes.committed(self.untold.pop(0))

    @rule(key=ROOMS, woken=st.booleans())
    def commit_elsewhere(self, key: int, woken: bool) -> None:
        self.commit(key)
        if woken:
            self.lanes.read_again(key, key % 2)

    @precondition(lambda self: self.reading is None)
    @rule(most=st.integers(1, 3))
    def begin_to_read(self, most: int) -> None:
        asked = self.lanes.to_read(most)
        if not asked:
            return
        lowest = {key: offset for _, key, offset in asked}
        found = sorted((key, offset) for key, offset in self.outbox if offset >= lowest.get(key, offset + 1))
        rows = [stored(*each) for each in found[:PAGE]]
        whole = [key for key in lowest if len(rows) < PAGE or key < rows[-1].key]
        self.reading = whole, rows

    @precondition(lambda self: self.reading is not None)
    @rule()
    def end_to_read(self) -> None:
        assert self.reading is not None
        self.lanes.was_read(*self.reading)
        self.reading = None

    @rule()
    def publish(self) -> None:
        taken = self.lanes.take()
        if taken is None:
            return
        key, offset = place = taken.key, taken.record.offset
        flying = {(each.key, each.record.offset) for each in self.on_their_way}
        earlier = {each for each in self.outbox if each[0] == key and each[1] < offset}
        assert earlier <= self.confirmed | flying, "an event overtook one of its room"
        self.check_repeat(place, place in self.confirmed | flying)
        self.on_their_way.append(taken)

    def check_repeat(self, place: tuple[int, int], repeated: bool) -> None:
        assert not repeated, f"{place} was published again, and nobody had refused it"

    @precondition(lambda self: self.on_their_way)
    @rule(refuse=st.booleans())
    def settle(self, refuse: bool) -> None:
        one = self.on_their_way.pop(0)
        if refuse:
            self.lanes.refused(one)
        else:
            self.confirmed.add((one.key, one.record.offset))
            self.lanes.confirmed(one)

    @rule()
    def delete_what_is_confirmed(self) -> None:
        self.outbox -= self.confirmed

    def sweep(self) -> None:
        for key, _ in self.outbox:
            self.lanes.read_again(key, key % 2)

    def teardown(self) -> None:
        """However it went so far, in the end the outbox is empty."""
        for _ in range(1000):
            self.sweep()
            if self.reading is None:
                self.begin_to_read(3)
            if self.reading is not None:
                self.end_to_read()
            while self.untold:
                self.tell_of_a_commit()
            self.publish()
            if self.on_their_way:
                self.settle(refuse=False)
            self.delete_what_is_confirmed()
            if not self.outbox and not self.on_their_way:
                break
        assert not self.outbox
        assert self.lanes.queued == 0


class PublishingWithLosses(Publishing):
    """Lanes are evicted, and partitions are lost and come back: then a repeat is allowed, disorder is not."""

    kept = 2

    @rule(partition=st.integers(0, 1))
    def lose_a_partition(self, partition: int) -> None:
        self.lanes.forget([partition])
        self.untold = [one for one in self.untold if one.partition != partition]

    def check_repeat(self, place: tuple[int, int], repeated: bool) -> None:
        """The stream knows the id."""


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
TestPublishingWithLosses = PublishingWithLosses.TestCase
TestPublishingWithLosses.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def take_all(lanes: Lanes) -> list[tuple[int, int]]:
    return [(one.key, one.record.offset) for one in iter(lanes.take, None)]


def test_a_first_event_that_the_outbox_told_of_is_not_published_twice() -> None:
    lanes = Lanes(capacity=10, rooms=10)
    lanes.read_again(1, 1)
    lanes.to_read(1)
    lanes.was_read([1], [stored(1, 1), stored(1, 2)])
    lanes.committed(stored(1, 1))
    assert take_all(lanes) == [(1, 1), (1, 2)]


def test_a_new_room_is_not_forgotten_for_those_that_are_busy() -> None:
    lanes = Lanes(capacity=10, rooms=2)
    for key in (1, 2, 3):
        lanes.committed(stored(key))
    assert take_all(lanes) == [(1, 1), (2, 1), (3, 1)]
    assert lanes.queued == 0


def test_rooms_that_stay_behind_do_not_starve_the_others() -> None:
    lanes = Lanes(capacity=10, rooms=10)
    for key in (1, 2, 3, 4):
        lanes.read_again(key, 0)
    first, second = ([key for _, key, _ in lanes.to_read(2)] for _ in range(2))
    assert (first, second) == ([1, 2], [3, 4])


def test_rooms_take_turns() -> None:
    lanes = Lanes(capacity=10, rooms=10)
    for offset in (1, 2):
        for key in (1, 2):
            lanes.committed(stored(key, offset))
    assert take_all(lanes) == [(1, 1), (2, 1), (1, 2), (2, 2)]


def test_what_does_not_fit_into_memory_stays_in_the_outbox() -> None:
    lanes = Lanes(capacity=2, rooms=10)
    for offset in (1, 2, 3):
        lanes.committed(stored(1, offset))
    assert lanes.to_read(5) == []
    assert take_all(lanes) == [(1, 1), (1, 2)]
    assert lanes.to_read(5) == [(1, 1, 3)]


def test_after_a_refusal_the_room_waits_and_goes_on_in_order() -> None:
    lanes = Lanes(capacity=10, rooms=10)
    events = [stored(1, offset) for offset in (1, 2, 3)]
    for one in events:
        lanes.committed(one)
    sent = [lanes.take(), lanes.take()]
    lanes.refused(events[0])
    assert lanes.take() is None
    lanes.confirmed(events[1])
    assert sent == events[:2]
    assert take_all(lanes) == [(1, 1), (1, 3)]


def test_the_record_is_published_as_it_was_committed() -> None:
    lanes = Lanes(capacity=1, rooms=1)
    one = replace(stored(1), record=record("app", "room-1", 1, trace="00-1-2-01"))
    lanes.committed(one)
    assert lanes.take() is one


def test_an_answer_asked_for_before_a_partition_was_lost_is_ignored() -> None:
    lanes = Lanes(capacity=10, rooms=10)
    lanes.committed(stored(1, 1))
    lanes.committed(stored(1, 3))
    assert lanes.to_read(1) == [(1, 1, 2)]
    lanes.forget([1])
    lanes.read_again(1, 1)
    lanes.was_read([1], [stored(1, 2), stored(1, 3)])
    assert lanes.take() is None
    assert lanes.to_read(1) == [(1, 1, 0)]
