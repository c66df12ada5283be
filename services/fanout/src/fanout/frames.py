"""WebSocket frames (RFC 6455, section 5) as bytes: no socket, no clock.

The server's frames are made by `frame`; the client's are split by `Frames` and
joined into whole messages by `Messages`.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NO_CODE: Final = 1005  # never sent: stands for a Close frame without a code
ABNORMAL: Final = 1006  # never sent: stands for a connection that ended without a Close frame
INVALID_TEXT: Final = 1007
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011

CONTROL_BYTES: Final = 125  # the most a control frame may carry

_OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
_REGISTERED = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))
_LENGTH_BYTES = {126: 2, 127: 8}
_MASK_BYTES = 4


class Violation(Exception):
    """The peer broke RFC 6455; its connection is closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Frame(NamedTuple):
    opcode: int
    final: bool
    payload: bytes


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Make a server's frame: final and unmasked."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Make a Close frame; the reason is cut to the 123 bytes that fit beside the code."""
    if code == NO_CODE:
        return frame(b"", CLOSE)
    text = reason.encode()[: CONTROL_BYTES - 2].decode(errors="ignore")
    return frame(code.to_bytes(2, "big") + text.encode(), CLOSE)


def close_reason(payload: bytes) -> tuple[int, str]:
    """Read a Close frame's code and reason; raise `Violation` if a client may not send them."""
    if not payload:
        return NO_CODE, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _REGISTERED or 3000 <= code <= 4999):
        raise Violation(PROTOCOL_ERROR, "invalid close code")
    return code, text(payload[2:])


def text(payload: bytes | bytearray) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Violation(INVALID_TEXT, "invalid UTF-8") from None


class Frames:
    """Splits a client's bytes into frames, however the network chopped them.

    At most one unfinished frame of `limit` bytes is kept.
    """

    __slots__ = ("_limit", "_needed", "_rest")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest: bytearray | None = None
        self._needed = 0  # bytes that `_rest` must hold before it is worth another look

    def receive(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are now complete; raise `Violation` at the first bad header."""
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data, self._rest = bytes(self._rest), None
        start = 0
        while start < len(data):
            payload, end = _extent(data, start, self._limit)
            if end > len(data):
                self._rest, self._needed = bytearray(data[start:]), end - start
                return
            yield Frame(data[start] & 0x0F, data[start] >= 0x80, _unmasked(data, payload, end))
            start = end


class Pace:
    """Counts a client's frames, whatever they are: at most `most` in one second of the clock."""

    __slots__ = ("_count", "_most", "_second")

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = -1
        self._count = 0

    def allows(self, second: int) -> bool:
        """Count one more, in a second that is not before the last one's."""
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        return self._count <= self._most


class Messages:
    """Joins a message's fragments; a message is at most `limit` bytes."""

    __slots__ = ("_limit", "_opcode", "_parts")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._opcode = CONTINUATION
        self._parts: bytearray | None = None

    def join(self, part: Frame) -> str | bytes | None:
        """Return the whole text or binary message that this data frame ends, or `None`."""
        if (part.opcode == CONTINUATION) != (self._parts is not None):
            raise Violation(PROTOCOL_ERROR, "fragments out of order")
        if self._parts is None and part.final:
            return text(part.payload) if part.opcode == TEXT else part.payload
        return self._gather(part)

    def _gather(self, part: Frame) -> str | bytes | None:
        if self._parts is None:
            self._opcode, self._parts = part.opcode, bytearray()
        self._parts += part.payload
        if len(self._parts) > self._limit:
            raise Violation(TOO_BIG, f"a message is at most {self._limit} bytes")
        if not part.final:
            return None
        whole, self._parts = self._parts, None
        return text(whole) if self._opcode == TEXT else bytes(whole)


def _extent(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """Where the payload of the frame at `start` begins and ends.

    While the header is incomplete, the end is that of the header's next part:
    always beyond the data.
    """
    if len(data) < start + 2:
        return 0, start + 2
    _check(data[start], data[start + 1])
    size = data[start + 1] & 0x7F
    mask = start + 2 + _LENGTH_BYTES.get(size, 0)
    if len(data) < mask:
        return 0, mask
    if size > CONTROL_BYTES:
        size = _extended(data[start + 2 : mask])
    if size > limit:
        raise Violation(TOO_BIG, f"a message is at most {limit} bytes")
    return mask + _MASK_BYTES, mask + _MASK_BYTES + size


def _extended(length: bytes) -> int:
    """RFC 6455, section 5.2: the fewest bytes that hold it, and the highest bit is 0."""
    size = int.from_bytes(length, "big")
    if size <= CONTROL_BYTES or (len(length) == 8 and not 1 << 16 <= size < 1 << 63):
        raise Violation(PROTOCOL_ERROR, "a length is not as short as it can be")
    return size


def _check(first: int, second: int) -> None:
    opcode = first & 0x0F
    if first & 0x70:
        raise Violation(PROTOCOL_ERROR, "reserved bits are set")
    if opcode not in _OPCODES:
        raise Violation(PROTOCOL_ERROR, f"unknown opcode {opcode}")
    if second < 0x80:
        raise Violation(PROTOCOL_ERROR, "a client's frame is masked")
    if opcode >= CLOSE and (first < 0x80 or second & 0x7F > CONTROL_BYTES):
        raise Violation(PROTOCOL_ERROR, "a control frame is whole and at most 125 bytes")


def _unmasked(data: bytes, start: int, end: int) -> bytes:
    size = end - start
    mask = data[start - _MASK_BYTES : start] * (size // _MASK_BYTES + 1)
    key = int.from_bytes(mask[:size], "little")
    return (int.from_bytes(data[start:end], "little") ^ key).to_bytes(size, "little")
