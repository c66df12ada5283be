"""What a notification says: the plan's words, in the device's language. Pure."""

from dataclasses import dataclass

from notifier.excerpts import cut, line
from notifier.model import Comment, Device
from notifier.words import Phrases, phrases

CHARACTERS = 50
"""Of a comment that are shown, as people count them."""

TEXT_BYTES = 400
"""Of UTF-8. With all these bounds a push fits into the 4 KiB that all platforms take, JSON's escapes too."""

NAME_CHARACTERS = 40
NAME_BYTES = 120
TITLE_CHARACTERS = 80
TITLE_BYTES = 240
ICON_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    body: str
    icon: str | None
    """An https address."""


def compose(
    comment: Comment, device: Device, *, title: str | None, preview: bool, more: int, default_title: str
) -> Words:
    """Of a comment that stands for `more` others; without `preview` not who wrote what.

    `title` is the room's; one that has none gets `default_title`, or, if that is empty, "New message".
    """
    spoken = phrases(device.locale)
    headline = _title(title, default_title, spoken)
    if not preview:
        return Words(headline, spoken.messages(1 + more), None)
    name = cut(line(comment.author_name or ""), NAME_CHARACTERS, NAME_BYTES)
    text = cut(line(comment.body), CHARACTERS, TEXT_BYTES) or spoken.messages(1)
    said = f"{name}: {text}" if name else text
    return Words(headline, f"{said} {spoken.others(more)}" if more else said, _icon(comment.author_avatar))


def _title(room: str | None, default: str, spoken: Phrases) -> str:
    shown = cut(line(room or ""), TITLE_CHARACTERS, TITLE_BYTES)
    if shown:
        return spoken.new_in.format(room=shown)
    return cut(line(default), TITLE_CHARACTERS, TITLE_BYTES) or spoken.new


def _icon(avatar: str | None) -> str | None:
    """A device shows nothing that it would have to fetch in the open."""
    usable = avatar is not None and avatar.startswith("https://") and len(avatar.encode()) <= ICON_BYTES
    return avatar if usable else None
