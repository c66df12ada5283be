"""The port `Log`: what the log in memory does by `decide` and `evolve`, the one in Postgres does too."""

import itertools
from typing import Any
from uuid import UUID

import pytest

from comments.commands import (
    Command,
    DeleteComment,
    EditComment,
    Join,
    Leave,
    PostComment,
    SetAttributes,
)
from comments.errors import CommentGone, KeyReused, NotTheAuthor, UnknownComment
from comments.ids import uuid7
from comments.log import Log, Outcome
from events import CommentPosted, decode

ROOM = "a.room"


def post(body: str = "hi", *, room: str = ROOM, actor: str = "u1", **more: Any) -> PostComment:
    return PostComment(room=room, actor=actor, comment=uuid7(), body=body, **more)


def edit(
    comment: UUID, *, actor: str = "u1", room: str = ROOM, moderator: bool = False, **changes: Any
) -> EditComment:
    return EditComment(room=room, actor=actor, comment=comment, moderator=moderator, changes=changes)


def delete(comment: UUID, *, actor: str = "u1", moderator: bool = False) -> DeleteComment:
    return DeleteComment(room=ROOM, actor=actor, comment=comment, moderator=moderator)


async def carry_out(log: Log, *commands: Command) -> list[Outcome]:
    outcomes = await log.append(commands)
    for outcome in outcomes:
        assert isinstance(outcome, Outcome), outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Outcome)]


async def refusal(log: Log, command: Command) -> Exception:
    [outcome] = await log.append([command])
    assert isinstance(outcome, Exception)
    return outcome


def types(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.event.type if outcome.event else None for outcome in outcomes]


def offsets(outcomes: list[Outcome]) -> list[int]:
    return [outcome.event.offset for outcome in outcomes if outcome.event]


async def test_each_room_counts_from_one_without_gaps(log: Log) -> None:
    rooms = ["b", "a", "c.d", "a", "b", "a"]
    first = await carry_out(log, *(post(room=room) for room in rooms))
    second = await carry_out(log, *(post(room=room) for room in rooms))
    assert offsets(first) == [1, 1, 1, 2, 2, 3]
    assert offsets(second) == [3, 4, 2, 5, 4, 6]


async def test_what_is_stored_is_what_happened(log: Log, app: str) -> None:
    [outcome] = await carry_out(log, post("Grüße 👋", trace="00-1-2-01"))
    assert outcome.stored is not None
    assert outcome.event is not None
    stored = outcome.stored.record
    assert (stored.app, stored.room, stored.offset, stored.type) == (app, ROOM, 1, "comment.posted")
    assert (stored.id, stored.trace) == (outcome.event.id, "00-1-2-01")
    assert decode(stored.data) == outcome.event


async def test_a_post_answers_its_comment(log: Log) -> None:
    command = post("hi", author_name="User One", client_id="k", image_meta={"n": [1, 2.5, None]})
    [outcome] = await carry_out(log, command)
    comment = outcome.comment
    assert comment is not None
    assert (comment.id, comment.offset, comment.author) == (command.comment, 1, "u1")
    assert (comment.body, comment.author_name, comment.client_id) == ("hi", "User One", "k")
    assert comment.image_meta == {"n": [1, 2.5, None]}


@pytest.mark.parametrize("urgent", [True, False], ids=["urgent", "not urgent"])
async def test_a_post_is_as_urgent_as_it_was_sent(log: Log, urgent: bool) -> None:
    [outcome] = await carry_out(log, post(urgent=urgent))
    assert isinstance(outcome.event, CommentPosted)
    assert outcome.event.urgent is urgent


async def test_a_repeated_post_adds_nothing_and_answers_the_first(log: Log) -> None:
    [first] = await carry_out(log, post(client_id="k"))
    [again] = await carry_out(log, post(client_id="k"))
    assert again.event is None
    assert again.stored is None
    assert again.comment == first.comment


async def test_a_post_repeated_within_a_batch_adds_one_comment(log: Log) -> None:
    first, again, other = await carry_out(
        log, post(client_id="k"), post(client_id="k"), post(client_id="k", actor="u2")
    )
    assert again.event is None
    assert again.comment == first.comment
    assert offsets([first, other]) == [1, 2]


async def test_a_repeat_after_an_edit_and_a_delete_answers_what_was_posted(log: Log) -> None:
    command = post("first", client_id="k")
    [first] = await carry_out(log, command)
    await carry_out(log, edit(command.comment, body="second"))
    await carry_out(log, delete(command.comment))
    [again] = await carry_out(log, post("first", client_id="k"))
    assert again.comment == first.comment


@pytest.mark.parametrize("other", [{"body": "a"}, {"image_meta": {}}, {"video_meta": {}}, {"urgent": True}])
async def test_a_key_used_for_something_else_is_refused(log: Log, other: dict[str, Any]) -> None:
    outcomes = await log.append([post(client_id="k"), post(**{"body": "hi", "client_id": "k"} | other)])
    assert isinstance(outcomes[1], KeyReused)
    assert isinstance(await refusal(log, post(**{"body": "hi", "client_id": "k"} | other)), KeyReused)


async def test_a_key_belongs_to_one_user_in_one_room(log: Log) -> None:
    mine, theirs = post("a", client_id="k"), post("b", client_id="k", actor="u2")
    elsewhere = post("c", client_id="k", room="elsewhere")
    assert types(await carry_out(log, mine, theirs, elsewhere)) == ["comment.posted"] * 3


async def test_one_refused_command_fails_alone(log: Log) -> None:
    outcomes = await log.append([post(), edit(uuid7(), body="x"), post(), delete(uuid7()), post(room="b")])
    assert isinstance(outcomes[1], UnknownComment)
    assert isinstance(outcomes[3], UnknownComment)
    assert offsets([one for one in outcomes if isinstance(one, Outcome)]) == [1, 2, 1]


async def test_a_command_that_no_event_can_hold_fails_alone(log: Log) -> None:
    outcomes = await log.append([post(), post(body="\ud800"), post(room="not a room"), post()])
    assert [isinstance(one, Exception) for one in outcomes] == [False, True, True, False]
    assert offsets([one for one in outcomes if isinstance(one, Outcome)]) == [1, 2]


async def test_an_edit_changes_what_it_names_and_keeps_the_rest(log: Log) -> None:
    command = post("a", image_meta={"n": 1})
    await carry_out(log, command)
    [outcome] = await carry_out(log, edit(command.comment, body="b"))
    assert types([outcome]) == ["comment.edited"]
    assert outcome.comment is not None
    assert (outcome.comment.body, outcome.comment.image_meta) == ("b", {"n": 1})
    assert outcome.comment.updated_at is not None


async def test_an_edit_that_changes_nothing_is_no_event(log: Log) -> None:
    command = post("a", image_meta={"n": 1})
    await carry_out(log, command)
    [outcome] = await carry_out(log, edit(command.comment, body="a", image_meta={"n": 1}))
    assert outcome.event is None
    assert outcome.comment is not None
    assert outcome.comment.updated_at is None


async def test_only_the_author_or_a_moderator_changes_a_comment(log: Log) -> None:
    command = post()
    await carry_out(log, command)
    assert isinstance(await refusal(log, edit(command.comment, body="x", actor="u2")), NotTheAuthor)
    assert isinstance(await refusal(log, delete(command.comment, actor="u2")), NotTheAuthor)
    done = await carry_out(
        log,
        edit(command.comment, body="x", actor="u2", moderator=True),
        delete(command.comment, actor="u2", moderator=True),
    )
    assert types(done) == ["comment.edited", "comment.deleted"]


async def test_a_deleted_comment_is_empty_and_stays_so(log: Log) -> None:
    command = post("secret", image_meta={"n": 1})
    await carry_out(log, command)
    deleted, again = await carry_out(log, delete(command.comment), delete(command.comment))
    assert types([deleted, again]) == ["comment.deleted", None]
    assert deleted.comment is not None
    assert (deleted.comment.body, deleted.comment.image_meta) == ("", None)
    assert again.comment == deleted.comment
    assert isinstance(await refusal(log, edit(command.comment, body="x")), CommentGone)


async def test_a_comment_is_changed_only_in_its_own_room(log: Log) -> None:
    command = post()
    await carry_out(log, command, post(room="other"))
    outcomes = await log.append(
        [edit(command.comment, body="x", room="other"), edit(command.comment, body="y")]
    )
    assert isinstance(outcomes[0], UnknownComment)
    assert isinstance(outcomes[1], Outcome)


async def test_a_comment_can_be_posted_edited_and_deleted_in_one_batch(log: Log) -> None:
    command = post("a", client_id="k")
    done = await carry_out(
        log, command, edit(command.comment, body="b"), post("a", client_id="k"), delete(command.comment)
    )
    assert types(done) == ["comment.posted", "comment.edited", None, "comment.deleted"]
    assert [one.comment and one.comment.body for one in done] == ["a", "b", "a", ""]


async def test_members_join_and_leave_once(log: Log) -> None:
    join, leave = Join(room=ROOM, actor="u9", user="u1", name="One"), Leave(room=ROOM, actor="u9", user="u1")
    expected = ["member.joined", None, "member.left", None, "member.joined"]
    assert types(await carry_out(log, join, join, leave, leave, join)) == expected
    assert types(await carry_out(log, join)) == [None]
    assert types(await carry_out(log, leave)) == ["member.left"]
    assert types(await carry_out(log, leave)) == [None]


async def test_writing_makes_a_member(log: Log) -> None:
    await carry_out(log, post(actor="u1"))
    assert types(await carry_out(log, Join(room=ROOM, actor="u1", user="u1"))) == [None]
    leave, join = Leave(room=ROOM, actor="u1", user="u1"), Join(room=ROOM, actor="u1", user="u1")
    assert types(await carry_out(log, leave, post(), join)) == ["member.left", "comment.posted", None]


async def test_attributes_are_created_then_updated(log: Log) -> None:
    one, two = ({"n": number} for number in (1, 2))
    commands = [SetAttributes(room=ROOM, actor="u1", attributes=value) for value in (one, one, two)]
    assert types(await carry_out(log, *commands)) == ["room.created", None, "room.updated"]
    assert types(await carry_out(log, commands[2], commands[0])) == [None, "room.updated"]


async def test_a_mixed_batch_over_many_rooms_keeps_every_order(log: Log) -> None:
    rooms = [f"room-{number}" for number in range(100)]
    commands: list[Command] = [post(room=room) for room in rooms]
    commands += [Join(room=room, actor="u2", user="u2") for room in rooms[::3]]
    commands += [post(room=room, actor="u2") for room in reversed(rooms)]
    done = await carry_out(log, *commands)
    by_room = itertools.groupby(
        sorted((one.event.room, one.event.offset) for one in done if one.event), lambda pair: pair[0]
    )
    assert all(
        [offset for _, offset in group] == [1, 2, 3][: 2 + (int(room[5:]) % 3 == 0)]
        for room, group in by_room
    )


async def test_events_of_one_batch_are_of_one_time(log: Log) -> None:
    done = await carry_out(log, post(), post())
    assert len({one.event.at for one in done if isinstance(one.event, CommentPosted)}) == 1
