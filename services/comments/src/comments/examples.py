"""What the OpenAPI description shows of each kind of answer."""

from typing import Any

from pydantic import ConfigDict

ID = "0198c6f2-7d1b-7a52-9c3e-1f0d5f6a7b8c"
AT = "2026-11-23T12:00:00.000000Z"

COMMENT: dict[str, Any] = {
    "id": ID,
    "room": "chat-5-12",
    "offset": 7,
    "author": "u1",
    "authorName": "User One",
    "authorAvatar": None,
    "body": "Hello, room!",
    "imageMeta": None,
    "videoMeta": None,
    "mentions": [],
    "clientId": "0198c6f2-7d1b",
    "createdAt": AT,
    "updatedAt": None,
    "deletedAt": None,
    "status": "DELIVERED",
    "deliveredAt": "2026-11-23T12:00:01.500000Z",
    "readAt": None,
}
RECEIPTS: dict[str, Any] = {
    "comment": ID,
    "offset": 7,
    "members": 2,
    "delivered": 2,
    "read": 1,
    "receipts": [
        {
            "user": "u2",
            "name": "User Two",
            "deliveredAt": "2026-11-23T12:00:00.250000Z",
            "readAt": "2026-11-23T12:00:04.000000Z",
        }
    ],
    "next": f"/v1/comments/{ID}/receipts?limit=1&after=u2",
}
MEMBER: dict[str, Any] = {"user": "u1", "name": "User One", "avatar": None, "joinedAt": AT}
ROOM: dict[str, Any] = {
    "id": "chat-5-12",
    "epoch": "9f86d081884c",
    "head": 7,
    "attributes": {"challengeId": 5, "cohortId": 12},
}
UNREAD: dict[str, Any] = {"room": "chat-5-12", "head": 7, "read": 4, "unread": 2, "mentioned": False}
VERSION: dict[str, Any] = {
    "offset": 7,
    "type": "comment.posted",
    "at": AT,
    "actor": "u1",
    "body": "Hello, room!",
    "imageMeta": None,
    "videoMeta": None,
}
COMMENTS: dict[str, Any] = {
    "comments": [COMMENT],
    "next": "/v1/rooms/chat-5-12/comments?limit=1&before=7",
    "epoch": "9f86d081884c",
    "head": 7,
}
PLAN: dict[str, Any] = {
    "id": ID,
    "body": "Hello, room!",
    "challengeId": 5,
    "cohortId": 12,
    "userId": "u1",
    "user": {"id": "u1", "profile": {"fullName": "User One", "profileImage": "https://example.org/u1.png"}},
    "imageMeta": {"url": "https://example.org/a.png"},
    "videoMeta": {"url": "https://example.org/a.mp4"},
    "createdAt": AT,
    "updatedAt": AT,
    "status": "SENT",
    "deliveredAt": None,
    "readAt": None,
    "room": "chat-5-12",
    "offset": 7,
    "clientId": "0198c6f2-7d1b",
}


def shown(example: dict[str, Any]) -> ConfigDict:
    """The configuration of a model that is shown so."""
    return ConfigDict(json_schema_extra={"examples": [example]})
