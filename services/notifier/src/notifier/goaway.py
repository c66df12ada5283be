"""HTTP/2's GOAWAY, read before `h2` sees it, which ends a connection there: answers are still to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HEAD: Final = 9  # bytes of a frame's head (RFC 9113, section 4.1)
_TYPE: Final = 7
_MOST: Final = 16_384  # bytes; no larger frame is allowed unless we say so
_STREAM: Final = 0x7FFF_FFFF


class FrameTooLarge(ValueError):
    """The service sends a frame that is larger than we allow, or no HTTP/2."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """Of the streams that we began, none after `last` was or will be processed (RFC 9113, section 6.8)."""

    last: int
    code: int


class Frames:
    """Cuts what is received at GOAWAY frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes | GoAway]:
        """All whole frames; what is no GOAWAY as it came, in as few pieces as possible.

        Raise `FrameTooLarge`, where h2 would wait for all of the frame first.
        """
        data = self._rest + data
        start = at = 0
        while len(data) - at >= _HEAD:
            length = int.from_bytes(data[at : at + 3])
            end = at + _HEAD + length
            if length > _MOST:
                raise FrameTooLarge(length)
            if end > len(data):
                break
            if data[at + 3] == _TYPE and length >= 8:
                if start < at:
                    yield data[start:at]
                yield _goaway(data[at + _HEAD : end])
                start = end
            at = end
        self._rest = data[at:]
        if start < at:
            yield data[start:at]


def _goaway(payload: bytes) -> GoAway:
    return GoAway(int.from_bytes(payload[:4]) & _STREAM, int.from_bytes(payload[4:8]))
