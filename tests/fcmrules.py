"""What FCM and Google's token endpoint refuse: messages, and requests for tokens, that break their rules.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
MAX_PAYLOAD = 4096
RESERVED = re.compile(r"from|message_type|gcm.*|google.*|notification")


class Refused(Exception):
    def __init__(self, why: str, field: str | None = None) -> None:
        super().__init__(why)
        self.why, self.field = why, field


Check = Callable[[Any, str], None]


def text(value: Any, at: str) -> None:
    if not isinstance(value, str):
        raise _wrong(at, "TYPE_STRING", value)


def whole(value: Any, at: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**31) <= value < 2**31:
        raise _wrong(at, "TYPE_INT32", value)


def boolean(value: Any, at: str) -> None:
    if not isinstance(value, bool):
        raise _wrong(at, "TYPE_BOOL", value)


def anything(value: Any, at: str) -> None:
    if not isinstance(value, dict):
        raise _wrong(at, "type.googleapis.com/google.protobuf.Struct", value)


def matching(pattern: str, kind: str) -> Check:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _wrong(at, kind, value)

    return check


def texts(value: Any, at: str) -> None:
    for name, each in _entries(value, at).items():
        text(each, f"{at}[{name}].value")
        if RESERVED.fullmatch(name):
            raise Refused(f"Invalid data payload key: {name}", f"{at}[{name}]")


def ttl(value: Any, at: str) -> None:
    matching(r"[0-9]+(\.[0-9]{1,9})?s", "type.googleapis.com/google.protobuf.Duration")(value, at)
    if float(value[:-1]) > 2_419_200:
        raise Refused("Invalid TTL", at)


def fields(known: Mapping[str, Check]) -> Check:
    def check(value: Any, at: str) -> None:
        for name, each in _entries(value, at).items():
            if name not in known:
                raise Refused(
                    f"Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field.",
                    at,
                )
            known[name](each, f"{at}.{name}")

    return check


ANDROID_NOTIFICATION = fields(
    {
        **dict.fromkeys(("title", "body", "icon", "color", "sound", "tag", "click_action"), text),
        **dict.fromkeys(("channel_id", "ticker", "image", "event_time"), text),
        **dict.fromkeys(("sticky", "local_only", "default_sound"), boolean),
        **dict.fromkeys(("default_vibrate_timings", "default_light_settings"), boolean),
        "notification_priority": matching("PRIORITY_(MIN|LOW|DEFAULT|HIGH|MAX)", "NotificationPriority"),
        "visibility": matching("PRIVATE|PUBLIC|SECRET", "Visibility"),
        "notification_count": whole,
    }
)
ANDROID = fields(
    {
        **dict.fromkeys(("collapse_key", "restricted_package_name"), text),
        "priority": matching("NORMAL|HIGH", "AndroidMessagePriority"),
        "ttl": ttl,
        "data": texts,
        "notification": ANDROID_NOTIFICATION,
        "direct_boot_ok": boolean,
    }
)
MESSAGE = fields(
    {
        "token": text,
        "data": texts,
        "notification": fields(dict.fromkeys(("title", "body", "image"), text)),
        "android": ANDROID,
        "apns": fields({"headers": texts, "payload": anything}),
        "webpush": anything,
        "fcm_options": fields({"analytics_label": text}),
    }
)
REQUEST = fields({"message": MESSAGE, "validate_only": boolean})


def check_request(body: bytes) -> Mapping[str, Any]:
    """The message; raise `Refused`."""
    try:
        asked = json.loads(body)
    except ValueError:
        raise Refused("Invalid JSON payload received.") from None
    REQUEST(asked, "")
    message: Mapping[str, Any] = asked.get("message", {})
    for at in ("headers", "payload"):
        _entries(message.get("apns", {}).get(at, {}), f"message.apns.{at}")
    shown = {**message.get("notification", {}), **message.get("data", {})}
    if sum(len(f"{name}{value}".encode()) for name, value in shown.items()) > MAX_PAYLOAD:
        raise Refused("Android message is too big")
    if "token" not in message:
        raise Refused("Recipient of the message is not set.", "message")
    return message


def check_grant(body: bytes, key: RSAPublicKey, audience: str, issuer: str, now: datetime) -> None:
    """Raise `Refused` with an error of RFC 6749, section 5.2."""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if form.get("grant_type") != GRANT:
        raise Refused("unsupported_grant_type")
    unchecked: Options = {"verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "scope"]}
    try:
        claims = jwt.decode(
            form.get("assertion", ""), key, ["RS256"], unchecked, audience=audience, issuer=issuer
        )
    except jwt.InvalidTokenError as error:
        raise Refused("invalid_grant") from error
    lasts = claims["exp"] - claims["iat"]
    if not (0 < lasts <= 3600 and claims["iat"] <= now.timestamp() + 60 and now.timestamp() < claims["exp"]):
        raise Refused("invalid_grant")
    if claims["scope"] != SCOPE:
        raise Refused("invalid_scope")


def _entries(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(at, "TYPE_MESSAGE", value)
    return value


def _wrong(at: str, kind: str, value: Any) -> Refused:
    return Refused(f"Invalid value at '{at}' ({kind}), {value!r}", at)
