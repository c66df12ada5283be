"""What the OpenAPI description shows of each kind of answer."""

from typing import Any

from pydantic import ConfigDict

AT = "2026-11-23T12:00:00.000000Z"

PERSON: dict[str, Any] = {"user": "u1", "name": "User One", "avatar": None, "activity": "active"}
DEVICE: dict[str, Any] = {"connection": "c5f0c2b1e7", "device": "phone", "activity": "active", "since": AT}
PRESENT: dict[str, Any] = {**PERSON, "here": True, "devices": [DEVICE], "lastSeen": AT}
PEOPLE: dict[str, Any] = {
    "room": "chat-5-12",
    "count": 2,
    "people": [PERSON],
    "next": "/v1/rooms/chat-5-12/presence?limit=1&after=u1",
}
ASKED: dict[str, Any] = {"room": "chat-5-12", "count": 2, "asked": [PRESENT]}
USER: dict[str, Any] = {
    "user": "u1",
    "here": True,
    "activity": "active",
    "rooms": ["chat-5-12"],
    "devices": [DEVICE],
    "lastSeen": AT,
}


def shown(example: dict[str, Any]) -> ConfigDict:
    """The configuration of a model that is shown so."""
    return ConfigDict(json_schema_extra={"examples": [example]})
