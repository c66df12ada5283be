"""Pushes that are printed instead of sent."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from notifier.console import ConsoleSender, line
from notifier.model import Device
from notifier.sender import Delivered, Push

PUSH = Push(
    device=Device("phone", "ada", "apns", "secret-address"), kind="comment", id=UUID(int=7), room="chat-5-12",
    offset=41, comment=UUID(int=8), title="New message in Chat", body="Ben: hello", icon=None, tag="tag",
    badge=3, more=0, urgent=False, again=False, expires_at=datetime(2026, 3, 1, 13, tzinfo=UTC),
)  # fmt: skip


def printed(**changes: Any) -> str:
    return line("apns", replace(PUSH, **changes))


async def test_a_push_is_printed_and_counts_as_delivered() -> None:
    lines: list[str] = []
    sender = ConsoleSender("apns", lines.append)
    assert await sender.send(PUSH) == Delivered("console")
    await sender.close()
    assert lines == ["apns to phone: New message in Chat | Ben: hello [3 unread]"]


def test_what_the_notification_stands_for_is_said_once() -> None:
    shown = printed(more=2, body="Ben: hello (+2 more)", badge=None)
    assert shown == "apns to phone: New message in Chat | Ben: hello (+2 more)"


def test_it_says_when_it_is_tried_again() -> None:
    assert printed(again=True).startswith("apns to phone again: ")


def test_reading_elsewhere_is_said_with_what_is_left() -> None:
    assert printed(kind="read", title="", body="", badge=0) == (
        "apns to phone: chat-5-12 was read elsewhere [0 unread]"
    )


def test_nothing_in_it_steers_a_terminal_or_begins_a_line() -> None:
    wild = "a\x1b[2J\nb\r\u202ec\u2028\x9b"
    shown = printed(title=wild, body=wild, device=replace(PUSH.device, id=wild))
    assert shown.isprintable()
    assert "a\\x1b[2J\\nb\\r\\u202ec\\u2028\\x9b" in shown


def test_the_address_is_not_shown() -> None:
    assert "secret-address" not in printed() + printed(kind="read")
