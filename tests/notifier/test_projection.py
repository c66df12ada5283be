"""How a room's events are put together, before they are written."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from intakes import NOW, ROOM, Room

from events import MemberJoined, Record
from notifier.projection import Changes, Logged, Stretch, When, fold, read, read_line, stretches, title

WHEN = When(NOW, timedelta(seconds=3), timedelta(hours=1))


@pytest.fixture
def room() -> Room:
    return Room("app")


def folding(room: Room, after: int = 0) -> Changes:
    return fold(ROOM, [read(record) for record in room.records[after:]], WHEN)


def test_a_comment_makes_its_author_a_member(room: Room) -> None:
    posted = room.post("ada", "hello @bob", mentions=["bob", "bob"], author_name="Ada", urgent=True)
    changes = folding(room)
    [row] = changes.posted.values()
    assert (row.offset, row.id, row.event, row.author) == (1, posted.comment, posted.id, "ada")
    assert (row.author_name, row.body, row.mentions, row.urgent) == ("Ada", "hello @bob", ("bob",), True)
    assert (row.trace, row.deleted) == ("trace-1", False)
    assert (changes.joined, changes.head) == ({"ada": 1}, 1)


@pytest.mark.parametrize(
    ("ago", "look_at"),
    [
        pytest.param(0, NOW + timedelta(seconds=3), id="new"),
        pytest.param(100, NOW + timedelta(seconds=3), id="taken late"),
        pytest.param(-5, NOW + timedelta(seconds=8), id="from a clock that is ahead"),
        pytest.param(3600, None, id="too old"),
        pytest.param(3599, NOW + timedelta(seconds=3), id="just not too old"),
    ],
)
def test_it_is_decided_after_the_delay_unless_the_comment_is_too_old(
    room: Room, ago: float, look_at: datetime | None
) -> None:
    room.post("ada", ago=ago)
    [row] = folding(room).posted.values()
    assert row.look_at == look_at


def test_an_edit_and_a_deletion_go_into_the_new_comment(room: Room) -> None:
    first, second = room.post("ada", "one", mentions=["bob"]), room.post("ada", "two")
    room.edit(first, "three", mentions=["cyd", "dan"])
    room.delete(second)
    changes = folding(room)
    assert not changes.edited
    assert not changes.deleted
    assert [(row.body, row.mentions, row.deleted) for row in changes.posted.values()] == [
        ("three", ("cyd", "dan"), False),
        ("", (), True),
    ]


def test_of_comments_that_are_known_the_last_word_counts(room: Room) -> None:
    first, second = room.post("ada"), room.post("ada")
    room.edit(first, "a")
    room.edit(first, "b", mentions=["bob"])
    room.edit(second, "c")
    room.delete(second)
    changes = folding(room, after=2)
    assert changes.edited == {first.comment: ("b", ("bob",))}
    assert changes.deleted == {second.comment}
    assert changes.head == 6


def test_who_leaves_and_comes_back_is_a_member_since_then(room: Room) -> None:
    room.join("bob")
    room.leave("bob")
    room.join("cyd")
    room.leave("ada")
    room.post("ada")
    room.post("ada")
    room.leave("dan")
    changes = folding(room)
    assert changes.left == {"bob", "ada", "dan"}
    assert changes.joined == {"cyd": 3, "ada": 5}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({"title": "Yoga", "name": "other"}, "Yoga", id="title"),
        pytest.param({"name": "Yoga"}, "Yoga", id="name"),
        pytest.param({"title": "", "name": "Yoga"}, "Yoga", id="an empty title"),
        pytest.param({"title": 5, "challengeId": 7}, "challenge", id="challenge"),
        pytest.param({"title": "x" * 200}, "x" * 200, id="long"),
        pytest.param({"title": "x" * 201}, None, id="too long"),
        pytest.param({"title": "  "}, None, id="blank"),
        pytest.param({}, None, id="none"),
    ],
)
def test_a_room_is_called_as_its_attributes_say(attributes: dict[str, object], expected: str | None) -> None:
    assert title(attributes) == expected


def test_the_last_attributes_count_and_without_any_the_title_stays(room: Room) -> None:
    room.attributes(title="one")
    room.attributes(name="two")
    room.post("ada")
    assert (folding(room).titled, folding(room).title) == (True, "two")
    assert not folding(room, after=2).titled


def test_an_event_of_an_unknown_type_only_moves_the_head() -> None:
    logged = read_line(4, b'{"type":"comment.pinned","offset":4}')
    assert logged == Logged(4, None)
    assert fold(ROOM, [logged], WHEN) == Changes(ROOM, 4)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"room": "a/b"}, id="a room that cannot be"),
        pytest.param({"room": "another"}, id="an event of another room"),
        pytest.param({"offset": 2}, id="an event of another offset"),
        pytest.param({"offset": 0}, id="offset 0"),
        pytest.param({"offset": 2**63}, id="an offset that is too high"),
        pytest.param({"epoch": "a\0"}, id="an epoch with NUL"),
    ],
)
def test_what_no_comments_service_publishes_is_refused(room: Room, other: dict[str, Any]) -> None:
    posted = room.record(room.post("ada"))
    assert read(posted).event == room.events[0]
    with pytest.raises(ValueError, match=r".+"):
        read(replace(posted, **other))


def logged(*offsets: int) -> list[Logged]:
    return [Logged(offset, None) for offset in offsets]


def test_a_stretch_is_cut_at_its_first_gap() -> None:
    stretch = Stretch(ROOM, "e1", logged(3, 4, 6, 7, 9))
    assert stretch.after(2) == (logged(3, 4), Stretch(ROOM, "e1", logged(6, 7, 9)))
    assert stretch.after(4) == ([], Stretch(ROOM, "e1", logged(6, 7, 9)))
    assert stretch.after(5) == (logged(6, 7), Stretch(ROOM, "e1", logged(9)))
    assert stretch.after(8) == (logged(9), None)
    assert stretch.after(9) == ([], None)


def test_records_are_sorted_by_room_and_epoch_and_each_counts_once() -> None:
    def found(room: str, epoch: str, offset: int) -> tuple[Record, Logged]:
        return Room("app", room, epoch).record(_at(offset)), Logged(offset, None)

    both = stretches(
        [
            found("b", "e1", 2),
            found("a", "e1", 7),
            found("b", "e2", 1),
            found("b", "e1", 1),
            found("b", "e1", 2),
        ]
    )
    assert both == [
        [Stretch("a", "e1", logged(7)), Stretch("b", "e1", logged(1, 2))],
        [Stretch("b", "e2", logged(1))],
    ]
    assert stretches([]) == []


def _at(offset: int) -> MemberJoined:
    room = Room("app")
    for _ in range(offset):
        event = room.join("ada")
    return event
