"""What the OpenAPI description shows of each kind of question and answer."""

from typing import Any

from pydantic import ConfigDict

ID = "0198c6f2-7d1b-7a52-9c3e-1f0d5f6a7b8c"
AT = "2026-11-23T12:00:00.000000Z"
LATER = "2026-11-23T12:00:03.100000Z"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

APNS: dict[str, Any] = {
    "platform": "apns",
    "token": "740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad",
    "app": "org.example.chat",
    "locale": "de-AT",
    "timeZone": "Europe/Vienna",
}
FCM: dict[str, Any] = {
    "platform": "fcm",
    "token": "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1",
    "locale": "en",
}
KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
"""A public key, and the secret that goes with it: those of RFC 8291's example."""
WEBPUSH: dict[str, Any] = {
    "platform": "webpush",
    "subscription": {
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABn",
        "keys": {
            "p256dh": KEY,
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    },
    "timeZone": "Europe/Vienna",
}
DEVICE: dict[str, Any] = {
    "id": "9f3c1e52-77a1-4a53",
    "platform": "apns",
    "app": "org.example.chat",
    "locale": "de-AT",
    "timeZone": "Europe/Vienna",
    "registeredAt": AT,
    "active": True,
}
PUSH: dict[str, Any] = {
    "platforms": ["webpush"],
    "webPush": {"publicKey": KEY},
}
ROOM: dict[str, Any] = {"level": "mentions", "mutedUntil": None, "preview": None}
PREFERENCES: dict[str, Any] = {
    "level": "all",
    "mutedUntil": None,
    "preview": True,
    "mutedUsers": ["u7"],
    "quietHours": {"from": "22:00", "to": "07:30", "timeZone": "Europe/Vienna"},
    "rooms": {"chat-5-12": ROOM},
}
MUTE: dict[str, Any] = {"seconds": 3600}
NOTIFICATIONS: dict[str, Any] = {
    "comment": ID,
    "room": "chat-5-12",
    "offset": 7,
    "people": [
        {
            "user": "u2",
            "reason": "push",
            "at": LATER,
            "trace": TRACE,
            "devices": [
                {
                    "device": "9f3c1e52-77a1-4a53",
                    "platform": "apns",
                    "kind": "comment",
                    "state": "sent",
                    "reason": "push",
                    "answer": "eabeae54-14a8-11e5-b60b-1697f925ec7b",
                    "attempts": 1,
                    "notBefore": LATER,
                    "at": LATER,
                    "trace": TRACE,
                }
            ],
        }
    ],
    "next": f"/v1/comments/{ID}/notifications?limit=1&after=u2",
}


def shown(example: dict[str, Any]) -> ConfigDict:
    """The configuration of a model that is shown so."""
    return ConfigDict(json_schema_extra={"examples": [example]})
