"""Text that people wrote, made short and harmless enough for one line of a notification. Pure."""

import itertools
import unicodedata
from collections.abc import Iterable, Iterator

_READ = 1_000
"""Characters of a text that are looked at: more than are ever shown."""

_DIRECTION = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Unicode's Bidi_Control: with these a name could turn around what follows it."""

_JOINER = "\u200d"
_JOINED = "\u200c\u200d\uff9e\uff9f"
"""Beside marks, what goes on with the character before it (UAX #29, Extend)."""

_SKIN = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_FLAG_TAGS = range(0xE0020, 0xE0080)
_JAMO = range(0x1160, 0x1200)
"""Vowels and final consonants of Hangul that is spelled letter by letter."""


def line(text: str) -> str:
    """Its beginning, without line ends, control characters, and what turns the direction of others."""
    text = text[:_READ]
    if text.isprintable():
        return " ".join(text.split())
    kept = (
        " " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text.translate(_DIRECTION)
    )
    return " ".join("".join(kept).split())


def cut(text: str, characters: int, size: int) -> str:
    """At most so many characters as people see them, and bytes of UTF-8; `...` follows what was cut.

    A character that alone is larger is left out, so that marks without end make no push too large.
    """
    shown = "".join(_fitting(itertools.islice(clusters(text), characters), size))
    return shown if shown == text else shown.rstrip() + "..."


def clusters(text: str) -> Iterator[str]:
    """Characters as people see them, nearly: joined emoji, and letters with their marks, stay whole."""
    start = 0
    letters = 0
    for at, char in enumerate(text):
        letters = letters + 1 if ord(char) in _FLAG_LETTERS else 0
        if at > start and not _goes_on(text[at - 1], char) and (letters == 0 or letters % 2):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def _goes_on(before: str, char: str) -> bool:
    """Whether the one is seen as part of what the other ends."""
    return (
        before == _JOINER
        or char in _JOINED
        or ord(char) in _SKIN
        or ord(char) in _FLAG_TAGS
        or ord(char) in _JAMO
        or unicodedata.category(char).startswith("M")
    )


def _fitting(parts: Iterable[str], size: int) -> Iterator[str]:
    for part in parts:
        size -= len(part.encode())
        if size < 0:
            return
        yield part
