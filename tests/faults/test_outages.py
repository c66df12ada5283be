"""How long something stood still, and which fault it is told of."""

from faults.checker import judge
from faults.history import Acknowledged, Attempt, Entry, Fault, Logged, Seen, Subscribed
from faults.outages import Outage


def posted(offset: int, at: float, told: float) -> list[Entry]:
    key, comment = f"k{offset}", f"c{offset}"
    return [
        Attempt(key, "lobby", at),
        Acknowledged(key, "lobby", comment, offset, 201, told),
        Logged("lobby", "e", offset, f"e{offset}", "d", comment, key),
    ]


def fault(kind: str, began: float, ended: float) -> Fault:
    return Fault(kind, "any", began, ended, "")


def joined(client: str, at: float, offset: int = 0) -> Subscribed:
    return Subscribed(client, 1, "lobby", "native", None, "e", offset, False, at)


def seen(client: str, offset: int, at: float) -> Seen:
    return Seen(client, 1, "lobby", "e", offset, f"e{offset}", "d", at)


def test_posts_that_wait_are_told_of_the_fault_that_they_overlap() -> None:
    posts = [*posted(1, 1, 2), *posted(2, 10, 17), *posted(3, 30, 31)]
    faults = [fault("kill", 11, 12), fault("freeze", 30.5, 30.6), fault("cut", 40, 41)]
    assert judge([*posts, *faults]).outages == {
        "cut": Outage(1, silence=0, post=0, delivery=0),
        "freeze": Outage(1, silence=14, post=1, delivery=0),
        "kill": Outage(1, silence=15, post=7, delivery=0),
    }


def test_of_several_faults_of_a_kind_the_worst_outage_is_told() -> None:
    posts = [*posted(1, 0, 1), *posted(2, 10, 13), *posted(3, 20, 22)]
    faults = [fault("kill", 9, 30), fault("kill", 10, 11), fault("kill", 20, 21)]
    assert judge([*posts, *faults]).outages == {"kill": Outage(3, silence=12, post=3, delivery=0)}


def test_a_fault_goes_on_while_another_of_its_kind_comes_and_goes() -> None:
    faults = [fault("kill", 1, 30), fault("kill", 2, 3)]
    assert judge([*posted(1, 0, 0), *posted(2, 20, 25), *faults]).outages["kill"].post == 5


def test_a_later_fault_of_the_kind_is_looked_at_too() -> None:
    faults = [fault("kill", 1, 2), fault("kill", 21, 22)]
    assert judge([*posted(1, 0, 0), *posted(2, 20, 25), *faults]).outages["kill"].post == 5


def test_faults_without_posts_are_no_outage() -> None:
    assert judge([fault("kill", 1, 30)]).outages == {"kill": Outage(1, silence=0, post=0, delivery=0)}


def test_silence_counts_until_the_last_try() -> None:
    posts = [*posted(1, 0, 1), Attempt("never", "lobby", 5), Attempt("never", "lobby", 50)]
    assert judge([*posts, fault("kill", 2, 60)]).outages["kill"].silence == 49


def test_a_delivery_lasts_until_the_last_of_those_who_were_there() -> None:
    people = [joined("a", 0), joined("b", 0), joined("late", 5, offset=0)]
    sights = [seen("b", 1, 8), seen("a", 1, 3), seen("late", 1, 100)]
    verdict = judge([*posted(1, 1, 2), *people, *sights, fault("cut", 4, 5)])
    assert verdict.outages["cut"].delivery == 6


def test_an_event_that_is_seen_again_was_delivered_before() -> None:
    sights = [seen("a", 1, 3), seen("a", 1, 50)]
    verdict = judge([*posted(1, 1, 2), joined("a", 0), *sights, fault("cut", 2, 60)])
    assert verdict.outages["cut"].delivery == 1


def test_an_event_may_be_seen_before_its_post_is_acknowledged() -> None:
    verdict = judge([*posted(1, 1, 4), joined("a", 0), seen("a", 1, 3), fault("cut", 0, 9)])
    assert verdict.outages["cut"].delivery == 0
