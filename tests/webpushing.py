"""Pushes to browsers, and a push service to send them to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from browsers import Browser
from certificates import Authority
from fakewebpush import FakeWebPush, device

from notifier.model import Device
from notifier.sender import Outcome, Push
from notifier.webpush import WebPushSender

HOUR = timedelta(hours=1)
DEADLINE = 10.0


def push_to(to: Device, number: int = 1, **changed: Any) -> Push:
    parts: dict[str, Any] = {
        "device": to, "kind": "comment", "id": UUID(int=number), "room": "chat-5-12", "offset": number,
        "comment": UUID(int=1_000 + number), "title": "New message in Lobby", "body": "Ada: hello",
        "icon": None, "tag": "a-tag_of-the-room", "badge": 3, "more": 0, "urgent": False, "again": False,
        "expires_at": datetime.now(UTC) + HOUR,
    }  # fmt: skip
    return Push(**parts | changed)


class Post:
    """One browser, and who sends to it."""

    def __init__(self, service: FakeWebPush, sender: WebPushSender) -> None:
        self.service, self.sender = service, sender
        self.browser: Browser = service.browser()
        self.device = device("d1", self.browser)

    async def send(self, number: int = 1, **changed: Any) -> Outcome:
        return await self.sender.send(push_to(self.device, number, **changed))


@asynccontextmanager
async def posting(
    authority: Authority | None = None, *, http2: bool = True, deadline: float = DEADLINE, **options: Any
) -> AsyncIterator[Post]:
    """`options` are those of the sender."""
    async with FakeWebPush.serve(authority, http2=http2) as service:
        sender = service.sender(deadline=deadline, **options)
        try:
            yield Post(service, sender)
        finally:
            await sender.close()
