"""Whatever the order of commits, reads, refusals and losses: all is published, each room in order."""

from collections import defaultdict
from dataclasses import replace

from contract.recording import record
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from comments.lanes import Lanes
from comments.log import Stored

ROOMS = st.integers(1, 4)
PAGE = 3
"""Rows that one read of the outbox returns at most."""


def stored(key: int, offset: int = 1, refill: int = 0) -> Stored:
    return Stored(key, key % 2, replace(record("app", f"room-{key}", offset), refill=refill))


def place(one: Stored) -> tuple[int, int, int]:
    return one.key, one.record.offset, one.record.refill


class Publishing(RuleBasedStateMachine):
    """One process' lanes beside a log, an outbox and a stream."""

    kept = 100
    """Rooms that the lanes remember."""
    pipelined = True

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes(capacity=4, rooms=self.kept, pipelined=self.pipelined)
        self.heads: defaultdict[int, int] = defaultdict(int)
        self.outbox: dict[tuple[int, int], int] = {}
        """By room and offset: the refill it is of."""
        self.untold: list[Stored] = []
        self.reading: tuple[list[int], list[Stored]] | None = None
        self.on_their_way: list[Stored] = []
        self.stream: list[tuple[int, int]] = []
        self.known: set[tuple[int, int, int]] = set()
        """Ids that the stream remembers."""
        self.confirmed: set[tuple[int, int, int]] = set()
        self.disordered: set[int] = set()
        """Partitions of which the lanes say that an event may have overtaken another."""

    def commit(self, key: int) -> Stored:
        self.heads[key] += 1
        self.outbox[key, self.heads[key]] = 0
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
        found = sorted(each for each in self.outbox if each[1] >= lowest.get(each[0], each[1] + 1))
        rows = [stored(*each, self.outbox[each]) for each in found[:PAGE]]
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
        flying = {place(each) for each in self.on_their_way}
        key, offset, _ = place(taken)
        waiting = {(*each, refill) for each, refill in self.outbox.items()}
        earlier = {each for each in waiting if each[0] == key and each[1] < offset}
        assert earlier <= self.confirmed | flying, "an event overtook one of its room"
        assert self.pipelined or not any(each.key == key for each in self.on_their_way)
        self.check_repeat(place(taken), place(taken) in self.confirmed | flying)
        self.on_their_way.append(taken)

    def check_repeat(self, place: tuple[int, int, int], repeated: bool) -> None:
        assert not repeated, f"{place} was published again, and nobody had refused it"

    @precondition(lambda self: self.on_their_way)
    @rule(outcome=st.sampled_from(["stored", "stored", "rejected", "answer lost"]))
    def settle(self, outcome: str) -> None:
        one = self.on_their_way.pop(0)
        if outcome != "rejected" and place(one) not in self.known:
            self.known.add(place(one))
            self.stream.append(place(one)[:2])
        if outcome == "stored":
            self.confirmed.add(place(one))
            in_order = self.lanes.confirmed(one)
        else:
            in_order = self.lanes.refused(one, rejected=outcome == "rejected")
        if not in_order:
            self.disordered.add(one.partition)

    @rule()
    def delete_what_is_confirmed(self) -> None:
        self.outbox = {
            each: refill for each, refill in self.outbox.items() if (*each, refill) not in self.confirmed
        }

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.lanes.queued <= 4 + len(self.on_their_way) + PAGE

    def forget(self, partition: int) -> None:
        self.disordered |= self.lanes.forget([partition])
        self.untold = [one for one in self.untold if one.partition != partition]

    def sweep(self) -> None:
        for key, _ in self.outbox:
            self.lanes.read_again(key, key % 2)

    def teardown(self) -> None:
        """However it went so far, in the end the outbox is empty, and the stream is the log."""
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
                self.settle("stored")
            self.delete_what_is_confirmed()
            if not self.outbox and not self.on_their_way and not self.lanes.queued:
                break
        assert not self.outbox
        assert (self.lanes.queued, self.lanes.bytes) == (0, 0)
        for key, head in self.heads.items():
            held = list(dict.fromkeys(offset for room, offset in self.stream if room == key))
            assert sorted(held) == list(range(1, head + 1))
            assert held == sorted(held) or (key % 2 in self.disordered and self.pipelined)


class PublishingOneByOne(Publishing):
    """One event of a room on its way at a time: then the stream is in order, whatever it refuses."""

    pipelined = False


class PublishingWithLosses(Publishing):
    """Lanes are evicted, and partitions are lost and come back: then a repeat is allowed, disorder is not."""

    kept = 2

    @rule(partition=st.integers(0, 1))
    def lose_a_partition(self, partition: int) -> None:
        self.forget(partition)

    def check_repeat(self, place: tuple[int, int, int], repeated: bool) -> None:
        """The stream knows the id."""


class PublishingAgain(PublishingWithLosses):
    """The stream loses what it had, or its end; then what is missing is in the outbox again."""

    kept = 100
    refills = 0

    @rule(partition=st.integers(0, 1), kept=st.integers(0, 3))
    def refill(self, partition: int, kept: int) -> None:
        if any(each.partition == partition for each in self.on_their_way) or partition in self.disordered:
            return
        self.forget(partition)
        self.refills += 1
        self.stream = [each for each in self.stream if each[0] % 2 != partition or each[1] <= kept]
        held = set(self.stream)
        for key, head in self.heads.items():
            for offset in range(1, head + 1):
                if key % 2 == partition and (key, offset) not in held:
                    self.outbox[key, offset] = self.refills


CASES = settings(max_examples=200, stateful_step_count=60, deadline=None)
TestPublishing = Publishing.TestCase
TestPublishing.settings = CASES
TestPublishingOneByOne = PublishingOneByOne.TestCase
TestPublishingOneByOne.settings = CASES
TestPublishingWithLosses = PublishingWithLosses.TestCase
TestPublishingWithLosses.settings = CASES
TestPublishingAgain = PublishingAgain.TestCase
TestPublishingAgain.settings = CASES


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


def test_a_refill_takes_turns_with_what_was_just_committed() -> None:
    lanes = Lanes(capacity=100, rooms=10)
    lanes.read_again(1, 1)
    lanes.read_again(2, 0)
    lanes.to_read(2)
    lanes.was_read([1, 2], [stored(key, offset, refill=5) for key in (1, 2) for offset in (1, 2, 3)])
    for offset in (1, 2):
        lanes.committed(stored(3, offset))
    assert take_all(lanes)[:4] == [(1, 1), (3, 1), (2, 1), (3, 2)]


def test_a_room_that_somebody_waits_for_is_read_before_those_that_have_waited_long() -> None:
    lanes = Lanes(capacity=10, rooms=10)
    for key in (1, 2, 3):
        lanes.read_again(key, 0)
    lanes.read_again(4, 0, at_once=True)
    lanes.committed(stored(3, 7))
    assert [key for _, key, _ in lanes.to_read(2)] == [3, 4]


def test_memory_is_bounded_in_bytes_too() -> None:
    lanes = Lanes(capacity=100, rooms=10, size=30)
    for offset in range(1, 6):
        lanes.committed(stored(1, offset))
    assert lanes.queued == 3
    assert take_all(lanes) == [(1, 1), (1, 2), (1, 3)]
    assert lanes.to_read(1) == [(1, 1, 4)]


def test_one_by_one_an_event_waits_for_the_one_before_it() -> None:
    lanes = Lanes(capacity=10, rooms=10, pipelined=False)
    for offset in (1, 2):
        for key in (1, 2):
            lanes.committed(stored(key, offset))
    assert take_all(lanes) == [(1, 1), (2, 1)]
    assert lanes.confirmed(stored(1, 1))
    assert lanes.refused(stored(2, 1), rejected=True)
    assert take_all(lanes) == [(1, 2), (2, 1)]


def test_it_is_told_when_an_event_overtook_one_that_was_refused() -> None:
    lanes = Lanes(capacity=10, rooms=10)
    for key in (1, 2, 3, 4):
        for offset in (1, 2):
            lanes.committed(stored(key, offset))
    take_all(lanes)
    assert lanes.refused(stored(1, 1), rejected=True)
    assert not lanes.confirmed(stored(1, 2))
    assert lanes.confirmed(stored(2, 2))
    assert not lanes.refused(stored(2, 1), rejected=False)
    assert lanes.refused(stored(3, 1), rejected=True)
    assert not lanes.refused(stored(3, 2), rejected=False)
    assert lanes.refused(stored(4, 1), rejected=False)
    assert lanes.forget([0, 1]) == {0}


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
    lanes.refused(events[0], rejected=False)
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
