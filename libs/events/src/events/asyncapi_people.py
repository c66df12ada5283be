"""The part of the AsyncAPI document about people: who is here, and how far they are."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from events import storage, subjects
from events.presence import Joined, Lease, Left, PresenceAnswer, PresenceQuery
from events.receipts import (
    Changes,
    Receipts,
    UnreadAnswer,
    UnreadRequest,
    Watermarks,
    WatermarksAnswer,
    WatermarksRequest,
)

Document = dict[str, Any]

_REQUESTS: tuple[type[BaseModel], ...] = (PresenceQuery, WatermarksRequest, UnreadRequest)
_SENT: tuple[type[BaseModel], ...] = (
    *(Lease, Joined, Left, PresenceAnswer),
    *(Receipts, Watermarks, WatermarksAnswer, UnreadAnswer, Changes),
)

APP = {"description": "The installation, `PARLEY_APP_ID`."}
_USER = {"description": "The user; every byte that a key may not have is `=` and two hex digits."}
_CONNECTION = {"description": "The id of the connection."}


def channels(room: Document) -> Document:
    """`room` describes the parameters of a room's subject."""
    key = {"app": APP, "user": _USER}
    app, bucket = {"app": APP}, subjects.in_bucket
    return {
        "leases": _channel(
            bucket(subjects.PRESENCE_BUCKET, "{app}.{user}.{connection}"),
            "KV bucket in memory: the connections of users; a key expires unless it is written again",
            {**key, "connection": _CONNECTION},
            "Lease",
        ),
        "lead": _channel(
            bucket(subjects.PRESENCE_BUCKET, subjects.lead("{app}")),
            "In the same bucket: which replica of presence tells who joined and left",
            app,
            "Lead",
        ),
        "lastSeen": _channel(
            bucket(subjects.LAST_SEEN_BUCKET, "{app}.{user}"),
            f"KV bucket on disk, for {storage.SEEN_SECONDS // 86_400:.0f} days: when users were last here",
            key,
            "LastSeen",
        ),
        "transitions": _channel(
            subjects.presence("{app}", "{room}", "{transition}"),
            "Who is in the room as somebody who is here, and is no more: core NATS, never stored",
            {**room, "transition": {"enum": ["joined", "left", "changed"]}},
            *("Joined", "Left"),
        ),
        "restated": _channel(
            subjects.restated("{app}"),
            "Who is here must be asked anew: transitions may have been missed",
            app,
            "Restated",
        ),
        "receipts": _channel(
            subjects.receipts("{app}", "{room}"),
            f"JetStream stream {subjects.RECEIPTS_STREAM}: what users acknowledge; kept for an hour",
            room,
            "Receipts",
        ),
        "watermarks": _channel(
            subjects.watermarks("{app}", "{room}"),
            "How far members of the room are, when they move: core NATS, never stored",
            room,
            "Watermarks",
        ),
        "changed": _channel(
            subjects.changed("{app}"),
            "Which rooms were written to, after each commit: core NATS, never stored",
            app,
            "Changes",
        ),
        "presenceQuery": _asking(
            subjects.PRESENCE_QUERY, "who is in a room", "PresenceQuery", "PresenceAnswer"
        ),
        "watermarksRequest": _asking(
            subjects.WATERMARKS, "how far the members of a room are", "WatermarksRequest", "WatermarksAnswer"
        ),
        "unread": _asking(subjects.UNREAD, "what users have not read", "UnreadRequest", "UnreadAnswer"),
    }


def operations() -> Document:
    return {
        "extendLease": _operation("send", "leases", "fanout"),
        "watchLeases": _operation("receive", "leases", "presence"),
        "takeLead": _operation("send", "lead", "presence"),
        "keepLastSeen": _operation("send", "lastSeen", "presence"),
        "sendTransition": _operation("send", "transitions", "presence"),
        "followTransitions": _operation("receive", "transitions", "fanout"),
        "sendRestated": _operation("send", "restated", "presence"),
        "followRestated": _operation("receive", "restated", "fanout"),
        "publishReceipts": _operation("send", "receipts", "fanout"),
        "takeReceipts": _operation("receive", "receipts", "comments"),
        "sendWatermarks": _operation("send", "watermarks", "comments"),
        "followWatermarks": _operation("receive", "watermarks", "fanout"),
        "sendChanges": _operation("send", "changed", "comments"),
        "followChanges": _operation("receive", "changed", "fanout"),
        "answerPresence": _answering("presenceQuery", "presence", "PresenceQuery", "PresenceAnswer"),
        "answerWatermarks": _answering(
            "watermarksRequest", "comments", "WatermarksRequest", "WatermarksAnswer"
        ),
        "answerUnread": _answering("unread", "comments", "UnreadRequest", "UnreadAnswer"),
    }


def messages() -> Document:
    lives = {"type": "object", "properties": {"Nats-TTL": {"description": "Seconds.", "type": "string"}}}
    text: Document = {"contentType": "text/plain"}
    models = {
        kind.__name__: {"summary": _summary(kind), "payload": schema(kind)} for kind in (*_SENT, *_REQUESTS)
    }
    models["Lease"] |= {"headers": lives}
    return models | {
        "Lead": {
            **text,
            "summary": "The name of the replica.",
            "headers": lives,
            "payload": {"type": "string"},
        },
        "LastSeen": {
            "summary": "When, in each of the last rooms; for presence alone.",
            "payload": {"type": "object"},
        },
        "Restated": {**text, "summary": "Empty.", "payload": {"type": "string", "maxLength": 0}},
    }


def schemas() -> Document:
    wanted: list[tuple[type[BaseModel], Any]] = [
        *((kind, "validation") for kind in _REQUESTS),
        *((kind, "serialization") for kind in _SENT),
    ]
    _, document = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    found: Document = document["$defs"]
    return found


def schema(kind: type[BaseModel]) -> Document:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _summary(kind: type[BaseModel]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _channel(address: str, title: str, parameters: Document, *messages: str) -> Document:
    named = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {"address": address, "title": title, "parameters": parameters, "messages": named}


def _asking(address: str, question: str, *messages: str) -> Document:
    channel = _channel(address, f"Request-reply: {question}; an empty answer: not known now", {}, *messages)
    del channel["parameters"]
    return channel


def _operation(action: str, channel: str, service: str) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "title": service}


def _answering(channel: str, service: str, request: str, answer: str) -> Document:
    at = f"#/channels/{channel}"
    return {
        **_operation("receive", channel, service),
        "messages": [{"$ref": f"{at}/messages/{request}"}],
        "reply": {"channel": {"$ref": at}, "messages": [{"$ref": f"{at}/messages/{answer}"}]},
    }
