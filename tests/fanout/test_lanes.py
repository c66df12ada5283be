"""Of whom it is asked next: those who read on first, nobody twice, nobody for ever last."""

from fanout.lanes import Lane

WATCHED = {"ann", "bob", "cid", "dan"}


def test_those_who_read_on_come_first_and_everybody_after_those_who_wait() -> None:
    lane = Lane()
    lane.changed(["bob"])
    lane.read("cid", ask=True)
    urgent = [lane.urgent]
    assert lane.take(10, WATCHED, ["ann", "bob", "cid"]) == ["cid", "bob", "ann"]
    assert [*urgent, lane.urgent] == [True, False]
    assert lane.take(10, WATCHED, ["ann", "bob", "cid"]) == []


def test_who_is_not_watched_any_more_is_not_asked_for() -> None:
    lane = Lane()
    lane.put(["eve", "ann", "fay"])
    assert lane.take(1, WATCHED, []) == ["ann"]
    assert lane.take(1, WATCHED, []) == []


def test_everybody_gets_their_turn_however_often_the_room_changes() -> None:
    lane = Lane()
    seen: list[str] = []
    for _ in range(4):
        lane.changed([])
        seen += lane.take(1, WATCHED, sorted(WATCHED))
    assert seen == sorted(WATCHED)


def test_an_answer_of_somebody_who_read_on_meanwhile_is_asked_for_again() -> None:
    lane = Lane()
    lane.put(["ann", "bob"])
    assert lane.take(10, WATCHED, []) == ["ann", "bob"]
    lane.read("ann", ask=False)
    assert [lane.superseded(user) for user in ("ann", "bob")] == [True, False]
    assert lane.take(10, WATCHED, []) == ["ann"]
    assert not lane.superseded("ann")
