"""The port to a push service, and what is handed to it.

Adapters: `apns.py`, `fcm.py`, `webpush.py`, and `console.py` which prints. All but that one pass
`tests/contract/test_sender_contract.py` against a server that speaks the real protocol.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from notifier.model import Device


@dataclass(frozen=True, slots=True)
class Push:
    """What one device is to show, or to stop showing."""

    device: Device
    kind: Literal["comment", "read"]
    """A visible notification; or, without a sound, that the room was read elsewhere."""
    id: UUID
    """Derived from event and device: the same in every attempt."""
    room: str
    offset: int
    comment: UUID
    title: str
    body: str
    """Both empty for `read`."""
    icon: str | None
    tag: str
    """Of the notification about the room, at most 32 base64url characters: a later one replaces it."""
    badge: int | None
    """What the person has not read in all rooms; `None` if it is not known."""
    more: int
    """Comments of the room that it stands for beside the shown one."""
    urgent: bool
    again: bool
    """An earlier attempt may have been shown: replace it without a sound."""
    expires_at: datetime
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The service took it."""

    receipt: str = ""
    """What it calls it: `apns-id`, FCM's message name, the `Location` of Web Push."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It was not taken, and may be later."""

    after: float
    """Seconds, at least."""
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The address is not valid any more; forget it unless it was registered after `since`."""

    since: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """It will never be taken as it is: the push, or our configuration, is wrong."""

    reason: str
    ours: bool = False
    """Not this push but every one of the platform is refused: credentials or configuration."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was handed over and no answer came: it may have been taken."""

    reason: str


Outcome = Delivered | Retry | Gone | Rejected | Unknown


class Sender(Protocol):
    async def send(self, push: Push) -> Outcome:
        """One attempt, which ends within the sender's deadline. Raises nothing but what cancels it.

        What surely did not reach the service is `Retry`; it is never sent a second time by itself.
        Any number may run at once.
        """
        ...

    async def close(self) -> None: ...
