"""Which platforms pushes are sent to, as the settings have it."""

import json
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from notifier.apns import ApnsSender
from notifier.console import ConsoleSender
from notifier.endpoints import Guard
from notifier.fcm import FcmSender
from notifier.model import PLATFORMS, Platform
from notifier.sender import Sender
from notifier.settings import Settings
from notifier.vapid import Key
from notifier.webpush import WebPushSender

APPLE = "https://api.push.apple.com"
APPLE_SANDBOX = "https://api.sandbox.push.apple.com"

MISSING: Mapping[Platform, str] = {
    "apns": "PARLEY_APNS_KEY_FILE is not set",
    "fcm": "PARLEY_FCM_CREDENTIALS_FILE is not set",
    "webpush": "PARLEY_WEBPUSH_KEY_FILE is not set",
}

log = logging.getLogger(__name__)


class BadCredentials(Exception):
    """The settings name credentials of a push service that cannot be used."""


@dataclass(frozen=True, slots=True)
class Platforms:
    """Senders by platform; those that have none are off."""

    senders: Mapping[str, Sender]
    guard: Guard
    public_key: str | None
    """Of Web Push."""
    states: Mapping[str, str] = field(default_factory=dict)
    """What each platform says of itself."""

    @property
    def on(self) -> list[Platform]:
        return [platform for platform in PLATFORMS if platform in self.senders]

    @property
    def off(self) -> list[Platform]:
        return [platform for platform in PLATFORMS if platform not in self.senders]

    async def close(self) -> None:
        for sender in self.senders.values():
            await sender.close()


def platforms_of(settings: Settings, write: Callable[[str], None]) -> Platforms:
    """Says once which are off; `write` is for what the console shows. Raise `BadCredentials`."""
    guard = _guard(settings)
    key = _vapid_key(settings)
    found: dict[str, Sender | None] = {
        "apns": _apns(settings),
        "fcm": _fcm(settings),
        "webpush": _webpush(settings, key, guard),
    }
    senders: dict[str, Sender] = {name: sender for name, sender in found.items() if sender is not None}
    states: dict[str, str] = {}
    for platform in PLATFORMS:
        if platform in senders:
            states[platform] = "on"
        elif settings.push_console and platform != "webpush":
            senders[platform] = ConsoleSender(platform, write)
            states[platform] = f"console: {MISSING[platform]}"
        else:
            states[platform] = f"off: {MISSING[platform]}"
            log.warning("pushes to %s are off: %s", platform, MISSING[platform])
    return Platforms(senders, guard, key.public if key else None, states)


def _apns(settings: Settings) -> Sender | None:
    if settings.apns_key_file is None:
        return None
    missing = [
        name for name in ("apns_key_id", "apns_team_id", "apns_topic") if getattr(settings, name) is None
    ]
    if missing:
        raise BadCredentials(f"APNs needs {' and '.join(f'PARLEY_{name.upper()}' for name in missing)}, too")
    assert settings.apns_key_id is not None
    assert settings.apns_team_id is not None
    assert settings.apns_topic is not None
    url = settings.apns_url or (APPLE_SANDBOX if settings.apns_sandbox else APPLE)
    try:
        return ApnsSender(
            url,
            _read(settings.apns_key_file),
            settings.apns_key_id,
            settings.apns_team_id,
            settings.apns_topic,
            deadline=settings.push_deadline,
            connections=settings.apns_connections,
            tls=_tls(settings),
        )
    except ValueError as error:
        raise BadCredentials(f"PARLEY_APNS_KEY_FILE: {error}") from error


def _fcm(settings: Settings) -> Sender | None:
    if settings.fcm_credentials_file is None:
        return None
    try:
        credentials = json.loads(_read(settings.fcm_credentials_file))
        return FcmSender(credentials, settings.fcm_url, deadline=settings.push_deadline, tls=_tls(settings))
    except RecursionError as error:
        raise BadCredentials("PARLEY_FCM_CREDENTIALS_FILE: nested too deep") from error
    except ValueError as error:
        raise BadCredentials(f"PARLEY_FCM_CREDENTIALS_FILE: {error}") from error


def _webpush(settings: Settings, key: Key | None, guard: Guard) -> Sender | None:
    if key is None:
        return None
    return WebPushSender(
        key, settings.webpush_contact, guard, deadline=settings.push_deadline, tls=_tls(settings)
    )


def _vapid_key(settings: Settings) -> Key | None:
    if settings.webpush_key_file is None:
        return None
    try:
        return Key.load(_read(settings.webpush_key_file).encode())
    except ValueError as error:
        raise BadCredentials(f"PARLEY_WEBPUSH_KEY_FILE: {error}") from error


def _guard(settings: Settings) -> Guard:
    try:
        return Guard(settings.webpush_services.split(","), private=settings.webpush_private == "allow")
    except ValueError as error:
        raise BadCredentials(f"PARLEY_WEBPUSH_SERVICES: {error}") from error


def _tls(settings: Settings) -> ssl.SSLContext:
    """The system's certificates, and those of `push_ca_file`."""
    context = ssl.create_default_context()
    if settings.push_ca_file is not None:
        try:
            context.load_verify_locations(settings.push_ca_file)
        except OSError as error:
            raise BadCredentials(f"PARLEY_PUSH_CA_FILE: {error}") from error
    return context


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCredentials(f"{file.name} cannot be read: {type(error).__name__}") from error
