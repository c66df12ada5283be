"""What a consumer tells of leases: from their state to the present, and nothing twice."""

import pytest
from contract.recording import Began, Diary, Ended, Extended
from hypothesis import given
from hypothesis import strategies as st

from events.following import Following, Missed


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def following(diary: Diary) -> Following:
    return Following(diary)


def test_the_state_is_told_once_nothing_waits(following: Following, diary: Diary) -> None:
    following.start(whole=True, waiting=2)
    following.extended(1, 1, "a", b"1")
    assert diary.all == []
    following.extended(2, 0, "b", b"2")
    assert diary.all == [Began({"a": b"1", "b": b"2"}, whole=True)]


def test_messages_may_come_before_it_is_known_what_the_consumer_is(
    following: Following, diary: Diary
) -> None:
    following.extended(1, 0, "a", b"1")
    following.extended(2, 0, "b", b"2")
    assert diary.all == []
    following.start(whole=False, waiting=1)
    assert diary.all == [Began({"a": b"1", "b": b"2"}, whole=False)]


def test_of_an_empty_bucket_the_state_is_told_at_once(following: Following, diary: Diary) -> None:
    following.start(whole=True, waiting=0)
    assert diary.all == [Began({}, whole=True)]


def test_what_waited_and_was_gone_before_it_was_delivered_is_not_waited_for(
    following: Following, diary: Diary
) -> None:
    following.start(whole=True, waiting=2)
    following.extended(1, 1, "a", b"1")
    following.idle(1)
    assert diary.all == [Began({"a": b"1"}, whole=True)]


def test_a_lease_that_ended_before_the_state_was_told_is_not_in_it(
    following: Following, diary: Diary
) -> None:
    following.start(whole=True, waiting=3)
    following.extended(1, 2, "a", b"")
    following.ended(2, 1, "a", expired=True)
    following.ended(3, 0, "b", expired=False)
    assert diary.all == [Began({}, whole=True)]


def test_an_end_is_told_once(following: Following, diary: Diary) -> None:
    following.start(whole=True, waiting=0)
    following.extended(1, 0, "a", b"")
    following.ended(2, 0, "a", expired=False)
    following.ended(3, 0, "a", expired=True)
    assert diary.all[1:] == [Extended("a", b""), Ended("a", expired=False)]


@pytest.mark.parametrize("number", [1, 3])
def test_a_message_that_is_not_the_next_one_says_that_others_were_missed(
    following: Following, number: int
) -> None:
    following.extended(1, 0, "a", b"")
    with pytest.raises(Missed):
        following.extended(number, 0, "a", b"")


def test_an_idle_consumer_that_sent_more_says_that_something_was_missed(following: Following) -> None:
    following.extended(1, 0, "a", b"")
    with pytest.raises(Missed):
        following.idle(2)


@given(
    changes=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["extended", "expired", "ended"]))),
    behind=st.integers(0, 10),
)
def test_whenever_the_state_is_told_it_leads_to_what_is_live(
    changes: list[tuple[str, str]], behind: int
) -> None:
    """`behind` is how many of the changes waited when the consumer was made."""
    diary, truth = Diary(), dict[str, bytes]()
    following = Following(diary)
    following.start(whole=True, waiting=behind)
    for number, (key, change) in enumerate(changes, start=1):
        waiting = max(0, behind - number)
        if change == "extended":
            truth[key] = b"%d" % number
            following.extended(number, waiting, key, truth[key])
        else:
            truth.pop(key, None)
            following.ended(number, waiting, key, expired=change == "expired")
    following.idle(len(changes))
    assert folded(diary) == truth


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
