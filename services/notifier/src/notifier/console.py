"""Pushes that are printed instead of sent, where there are no credentials."""

from collections.abc import Callable

from notifier.model import Platform
from notifier.sender import Delivered, Outcome, Push


class ConsoleSender:
    def __init__(self, platform: Platform, write: Callable[[str], None]) -> None:
        """`write` is given a line for each push, without its end."""
        self._platform, self._write = platform, write

    async def send(self, push: Push) -> Outcome:
        self._write(line(self._platform, push))
        return Delivered("console")

    async def close(self) -> None:
        """There is nothing to close."""


def line(platform: Platform, push: Push) -> str:
    """What the device would show. Not its address: who has that can push to it."""
    badge = "" if push.badge is None else f" [{push.badge} unread]"
    if push.kind == "read":
        return f"{platform} to {_plain(push.device.id)}: {_plain(push.room)} was read elsewhere{badge}"
    again = " again" if push.again else ""
    return f"{platform} to {_plain(push.device.id)}{again}: {_plain(push.title)} | {_plain(push.body)}{badge}"


def _plain(text: str) -> str:
    """In one line, and nothing in it steers a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
