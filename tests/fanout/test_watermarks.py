"""How far members are: watermarks only grow, and what was shown adds up to what is true."""

import json
from typing import Any

from companions import View, receipt, steps
from hypothesis import given
from hypothesis import strategies as st

from events.receipts import LISTED, Counts, MemberReceipt, Watermarks, WatermarksAnswer
from fanout.watermarks import Marks

EPOCH = "epoch-1"


def answer(marks: dict[str, tuple[int, int]], epoch: str = EPOCH) -> WatermarksAnswer:
    return WatermarksAnswer(
        epoch=epoch,
        members=len(marks),
        receipts=[receipt(user, marks[user]) for user in sorted(marks)[:LISTED]],
        counts=counts(marks),
    )


def counts(marks: dict[str, tuple[int, int]]) -> Counts | None:
    if len(marks) <= LISTED:
        return None
    return Counts(delivered=steps(marks.values(), 0), read=steps(marks.values(), 1))


def moved(
    marks: dict[str, tuple[int, int]], *users: str, epoch: str = EPOCH, members: int | None = None
) -> Watermarks:
    return Watermarks(
        epoch=epoch,
        members=len(marks) if members is None else members,
        moved=[receipt(user, marks[user]) for user in users],
        counts=counts(marks),
    )


def known(marks: dict[str, tuple[int, int]]) -> Marks:
    made = Marks()
    made.asked()
    made.answered(answer(marks))
    return made


def flushed(marks: Marks) -> Any:
    body = marks.flush()
    return None if body is None else json.loads(body)


def many(count: int = LISTED + 1) -> dict[str, tuple[int, int]]:
    return {f"u{number:03}": (1, 1) for number in range(count)}


def entry(user: str, delivered: int, read: int) -> dict[str, Any]:
    return {"user": user, "delivered": delivered, "read": read}


def test_nothing_is_shown_before_there_is_an_answer() -> None:
    marks = Marks()
    assert marks.state() == b"null"
    assert marks.flush() is None
    marks.answered(answer({"ann": (2, 1)}))
    state = {"members": 1, "receipts": [entry("ann", 2, 1)], "counts": None, "state": True}
    assert flushed(marks) == state
    assert flushed(marks) is None


def test_a_push_has_only_those_who_moved() -> None:
    marks = known({"ann": (1, 1), "bob": (1, 1)})
    marks.moved(moved({"ann": (3, 2), "bob": (1, 1)}, "ann", "bob"))
    assert json.loads(marks.state())["receipts"] == [entry("ann", 1, 1), entry("bob", 1, 1)]
    assert flushed(marks) == {"receipts": [entry("ann", 3, 2)]}
    assert not marks.pending
    assert not marks.doubtful


def test_watermarks_only_grow_each_by_itself() -> None:
    marks = known({"ann": (5, 2)})
    marks.moved(moved({"ann": (4, 3)}, "ann"))
    marks.answered(answer({"ann": (1, 1)}))
    assert flushed(marks) == {"receipts": [entry("ann", 5, 3)]}


def test_a_newcomer_is_told_as_one_until_they_read_and_late_news_make_them_none_again() -> None:
    newcomer = MemberReceipt(user="ann", delivered=5, read=5, newcomer=True)
    marks = Marks()
    marks.answered(WatermarksAnswer(epoch=EPOCH, members=1, receipts=[newcomer]))
    shown = entry("ann", 5, 5)
    assert json.loads(marks.state())["receipts"] == [{**shown, "newcomer": True}]
    for news, told in [(False, {"receipts": [shown]}), (True, None)]:
        heard = newcomer.model_copy(update={"newcomer": news})
        marks.moved(Watermarks(epoch=EPOCH, members=1, moved=[heard]))
        assert flushed(marks) == told


def test_another_epoch_an_unknown_member_or_another_number_of_them_is_a_reason_to_ask() -> None:
    for heard in (
        moved({"ann": (9, 9)}, "ann", epoch="epoch-2"),
        moved({"eve": (9, 9)}, "eve", members=1),
        moved({"ann": (1, 1)}, "ann", members=2),
        moved(many(), "u001"),
    ):
        marks = known({"ann": (1, 1)})
        marks.moved(heard)
        doubts = [marks.doubtful]
        marks.asked()
        assert [*doubts, marks.doubtful] == [True, False]
        assert flushed(marks) is None


def test_another_epoch_replaces_what_was_shown() -> None:
    marks = known({"ann": (9, 9)})
    marks.answered(answer({"ann": (2, 2)}, "epoch-2"))
    assert flushed(marks)["receipts"] == [entry("ann", 2, 2)]


def test_a_new_member_is_told_and_one_who_left_replaces_the_state() -> None:
    marks = known({"ann": (1, 1)})
    marks.answered(answer({"ann": (1, 1), "bob": (2, 2)}))
    assert flushed(marks) == {"receipts": [entry("bob", 2, 2)]}
    marks.answered(answer({"bob": (2, 2)}))
    assert flushed(marks) == {
        "members": 1,
        "receipts": [entry("bob", 2, 2)],
        "counts": None,
        "state": True,
    }


def test_of_a_large_room_counts_are_told() -> None:
    people = many()
    marks = known(people)
    assert len(json.loads(marks.state())["receipts"]) == LISTED
    people["u000"] = (7, 6)
    marks.moved(moved(people, "u000"))
    assert flushed(marks) == {
        "members": LISTED + 1,
        "counts": {
            "delivered": [[7, 1], [1, LISTED + 1]],
            "read": [[6, 1], [1, LISTED + 1]],
            "newcomers": [],
        },
    }
    assert json.loads(marks.state())["receipts"][0] == entry("u000", 7, 6)
    assert flushed(marks) is None


def test_counts_that_were_heard_after_a_question_are_newer_than_its_answer() -> None:
    people = many()
    marks = known(people)
    marks.asked()
    late = answer(people)
    people["u000"] = (7, 6)
    marks.moved(moved(people, "u000"))
    marks.answered(late)
    assert flushed(marks)["counts"]["delivered"] == [[7, 1], [1, LISTED + 1]]


def test_a_room_that_becomes_large_or_small_is_stated_anew() -> None:
    marks = known(many(LISTED))
    marks.answered(answer(many()))
    assert flushed(marks)["counts"] is not None
    marks.answered(answer(many(LISTED)))
    state = flushed(marks)
    assert (state["state"], state["members"], state["counts"]) == (True, LISTED, None)


USERS = st.sampled_from(["ann", "bob", "cid"])
MARKS = st.integers(0, 9).flatmap(lambda read: st.tuples(st.integers(read, 9), st.just(read)))


@given(acts=st.lists(st.tuples(USERS, MARKS, st.sampled_from(["lost", "heard", "again", "flush"]))))
def test_what_was_shown_adds_up_to_what_is_true(acts: list[tuple[str, tuple[int, int], str]]) -> None:
    true = dict.fromkeys(["ann", "bob", "cid"], (0, 0))
    marks, view = known(true), View()
    view.receipts(json.loads(marks.state()))
    heard: list[Watermarks] = []
    for user, mark, fate in acts:
        true[user] = (max(mark[0], true[user][0]), max(mark[1], true[user][1]))
        heard.append(moved(true, user))
        if fate == "heard":
            marks.moved(heard[-1])
        elif fate == "again":
            marks.moved(heard[len(heard) // 2])
        elif fate == "flush" and (told := flushed(marks)) is not None:
            view.receipts(told)
    marks.answered(answer(true))
    if (told := flushed(marks)) is not None:
        view.receipts(told)
    assert view.marks == true
