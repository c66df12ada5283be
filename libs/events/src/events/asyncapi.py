"""The contracts of this library as documents: JSON Schema of the events, AsyncAPI 3 of the subjects."""

from typing import Any

from events import asyncapi_people as people
from events import subjects
from events.replay import ReplayRequest
from events.schema import ROOM, TYPES, adapter

Document = dict[str, Any]


def json_schema() -> Document:
    """JSON Schema 2020-12 of every event, discriminated by `type`."""
    schema = adapter.json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A durable event of a room",
        **schema,
    }


def asyncapi() -> Document:
    """AsyncAPI 3.0 of all subjects that services consume and publish."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Parley's subjects",
            "version": "1",
            "description": "What Parley's services, and yours, say to each other over NATS.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels() | people.channels({"app": people.APP, "room": _ROOM}),
        "operations": _operations() | people.operations(),
        "components": {
            "messages": _messages() | people.messages(),
            "schemas": _schemas() | people.schemas(),
            "messageTraits": _traits(),
        },
    }


def _channels() -> Document:
    room = {"app": people.APP, "room": _ROOM}
    every = {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in TYPES}
    return {
        "events": {
            "address": subjects.event("{app}", "{room}", "{type}"),
            "title": f"JetStream stream {subjects.STREAM}: durable events, of each room in offset order",
            "parameters": {**room, "type": {"description": "The event's type.", "enum": _types()}},
            "messages": every,
        },
        "live": {
            "address": subjects.LIVE_PREFIX + subjects.event("{app}", "{room}", "{type}"),
            "title": "The same events as they happen, for core subscribers; perhaps twice or out of order",
            "parameters": {**room, "type": {"description": "The event's type.", "enum": _types()}},
            "messages": every,
        },
        "signals": {
            "address": subjects.signal("{app}", "{room}", "{name}"),
            "title": "Ephemeral signals such as typing: core NATS, never stored",
            "parameters": {**room, "name": {"description": "The signal's name."}},
            "messages": {"Signal": {"$ref": "#/components/messages/Signal"}},
        },
        "wake": {
            "address": subjects.wake("{partition}"),
            "title": "Tells the owner of an outbox partition that another process committed to it",
            "parameters": {"partition": {"description": "The partition's number."}},
            "messages": {"Wake": {"$ref": "#/components/messages/Wake"}},
        },
        "replay": {
            "address": subjects.REPLAY,
            "title": "Request-reply: a page of a room's log, forwards",
            "messages": {
                "ReplayRequest": {"$ref": "#/components/messages/ReplayRequest"},
                "Page": {"$ref": "#/components/messages/Page"},
            },
        },
    }


_ROOM = {"description": f"The room, `{ROOM}`, with `.` percent-encoded."}


def _operations() -> Document:
    return {
        "publishEvent": {"action": "send", "channel": {"$ref": "#/channels/events"}, "title": "comments"},
        "followEvents": {"action": "receive", "channel": {"$ref": "#/channels/live"}, "title": "fanout"},
        "sendSignal": {"action": "send", "channel": {"$ref": "#/channels/signals"}, "title": "fanout"},
        "wakeRelay": {"action": "send", "channel": {"$ref": "#/channels/wake"}, "title": "comments"},
        "replay": {
            "action": "receive",
            "channel": {"$ref": "#/channels/replay"},
            "title": "comments",
            "messages": [{"$ref": "#/channels/replay/messages/ReplayRequest"}],
            "reply": {
                "channel": {"$ref": "#/channels/replay"},
                "messages": [{"$ref": "#/channels/replay/messages/Page"}],
            },
        },
    }


def _messages() -> Document:
    events = {
        kind.__name__: {
            "name": kind.model_fields["type"].default,
            "summary": (kind.__doc__ or "").partition("\n")[0],
            "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
            "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        }
        for kind in TYPES
    }
    return events | {
        "Signal": {
            "summary": "The sender's connection id, a newline, then the signal as JSON.",
            "contentType": "text/plain",
            "payload": {"type": "string"},
        },
        "Wake": {
            "summary": "The database keys of the rooms that were written to, separated by commas.",
            "contentType": "text/plain",
            "payload": {"type": "string", "pattern": "^[0-9]+(,[0-9]+)*$"},
        },
        "ReplayRequest": {"payload": {"$ref": "#/components/schemas/ReplayRequest"}},
        "Page": {
            "summary": "A line with epoch, head and first offset, then one encoded event a line.",
            "contentType": "application/x-ndjson",
            "payload": {"type": "string"},
        },
    }


def _schemas() -> Document:
    schema = adapter.json_schema(
        by_alias=True, mode="serialization", ref_template="#/components/schemas/{model}"
    )
    return {**schema["$defs"], "ReplayRequest": ReplayRequest.model_json_schema()}


def _traits() -> Document:
    text = {"type": "string"}
    attributes = ("ce-id", "ce-source", "ce-type", "ce-time", "ce-epoch", "ce-offset", "traceparent")
    properties = {"Nats-Msg-Id": text, "ce-specversion": {"const": "1.0"}} | dict.fromkeys(attributes, text)
    required = [name for name in properties if name != "traceparent"]
    return {"cloudEvent": {"headers": {"type": "object", "properties": properties, "required": required}}}


def _types() -> list[str]:
    return [str(kind.model_fields["type"].default) for kind in TYPES]
