"""What services share about events: their schemas, the NATS subjects and the adapter."""

from events.record import Record, received, rfc3339
from events.schema import (
    ROOM,
    TYPES,
    CommentDeleted,
    CommentEdited,
    CommentPosted,
    Event,
    MemberJoined,
    MemberLeft,
    Meta,
    RoomCreated,
    RoomUpdated,
    decode,
    encode,
)
from events.stream import NoAnswer, NotPublished, Stop, Stream, StreamError, Wire

__all__ = [
    "ROOM",
    "TYPES",
    "CommentDeleted",
    "CommentEdited",
    "CommentPosted",
    "Event",
    "MemberJoined",
    "MemberLeft",
    "Meta",
    "NoAnswer",
    "NotPublished",
    "Record",
    "RoomCreated",
    "RoomUpdated",
    "Stop",
    "Stream",
    "StreamError",
    "Wire",
    "decode",
    "encode",
    "received",
    "rfc3339",
]
