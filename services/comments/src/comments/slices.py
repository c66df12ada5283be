"""The part of each room's state that the commands at hand need, read under the rooms' locks."""

from collections.abc import Iterator, Mapping, Sequence

from comments.commands import Command, DeleteComment, EditComment, Join, Leave, PostComment
from comments.database import Connection
from comments.mentions import candidates
from comments.model import RoomState
from comments.views import Comment, Member
from events import CommentPosted, decode

Rooms = Mapping[str, tuple[int, RoomState]]
"""By room: its key and the state to fill."""


async def read(connection: Connection, rooms: Rooms, commands: Sequence[Command]) -> None:
    """Add to each room's state what `decide` will look at; a kind of command that is absent costs nothing."""
    posts = [c for c in commands if isinstance(c, PostComment) and c.client_id is not None]
    if posts:
        await _read_posted(connection, rooms, posts)
    changes = [c for c in commands if isinstance(c, EditComment | DeleteComment)]
    if changes:
        await _read_comments(connection, rooms, changes)
    users = list(_users(rooms, commands))
    if users:
        await _read_members(connection, rooms, users)


def _users(rooms: Rooms, commands: Sequence[Command]) -> Iterator[tuple[str, str]]:
    """By room, whoever the commands move or name."""
    for command in commands:
        match command:
            case Join() | Leave():
                yield command.room, command.user
            case PostComment(body=str(body)) | EditComment(changes={"body": str(body)}) if "@" in body:
                for user in candidates(body, rooms[command.room][1].most_mentions):
                    yield command.room, user


async def _read_posted(connection: Connection, rooms: Rooms, posts: Sequence[PostComment]) -> None:
    keys = [rooms[post.room][0] for post in posts]
    rows = await connection.fetch(
        _POSTED, keys, [post.actor for post in posts], [post.client_id for post in posts]
    )
    for row in rows:
        event = decode(row["data"])
        assert isinstance(event, CommentPosted)
        assert event.client_id is not None
        rooms[event.room][1].posted[event.actor, event.client_id] = event


_POSTED = """
    select event.data
    from unnest($1::bigint[], $2::text[], $3::text[]) as asked (room, author, client_id)
    join comments.comments as comment using (room, author, client_id)
    join comments.events as event on event.room = comment.room and event."offset" = comment."offset"
"""


async def _read_comments(
    connection: Connection, rooms: Rooms, changes: Sequence[EditComment | DeleteComment]
) -> None:
    by_key = {key: (name, state) for name, (key, state) in rooms.items()}
    rows = await connection.fetch(_COMMENTS, [change.comment for change in changes])
    for row in rows:
        if row["room"] in by_key:
            name, state = by_key[row["room"]]
            state.comments[row["id"]] = Comment(**{**row, "room": name})


_COMMENTS = "select * from comments.comments where id = any($1)"


async def _read_members(connection: Connection, rooms: Rooms, users: Sequence[tuple[str, str]]) -> None:
    by_key = dict(rooms.values())
    keys, names = [rooms[room][0] for room, _ in users], [user for _, user in users]
    rows = await connection.fetch(_MEMBERS, keys, names)
    for row in rows:
        by_key[row["room"]].members[row["user"]] = Member(**row)


_MEMBERS = """
    select member.* from unnest($1::bigint[], $2::text[]) as asked (room, "user")
    join comments.members as member using (room, "user")
"""
