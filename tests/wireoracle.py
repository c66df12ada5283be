"""What RFC 6455 makes of a client's bytes, worked out another way than `fanout.frames` does."""

from itertools import cycle

from fanout.frames import CLOSE, CONTINUATION, TEXT

Heard = tuple[list[tuple[int, bytes]], int | None]
"""Messages, pings and pongs, as opcode and payload; the code that ended it, `None` if none did."""


def masked(payload: bytes, key: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(payload, cycle(key), strict=False))


def expected(stream: bytes, limit: int) -> Heard:
    """What the RFC makes of a client's bytes, of which messages have at most `limit`."""
    heard: list[tuple[int, bytes]] = []
    opened, gathered = CONTINUATION, b""
    while len(stream) >= 2:
        final, reserved, opcode = stream[0] >> 7, stream[0] >> 4 & 7, stream[0] & 15
        hidden, size = stream[1] >> 7, stream[1] & 127
        control = opcode >= 8
        if (
            reserved
            or opcode not in (0, 1, 2, 8, 9, 10)
            or not hidden
            or (control and (not final or size > 125))
        ):
            return heard, 1002
        more = {126: 2, 127: 8}.get(size, 0)
        if len(stream) < 2 + more:
            break
        if more:
            size = int.from_bytes(stream[2 : 2 + more], "big")
            if size < {2: 126, 8: 1 << 16}[more] or size >> 63:
                return heard, 1002
        if size > limit:
            return heard, 1009
        start = 2 + more + 4
        if len(stream) < start + size:
            break
        payload = masked(stream[start : start + size], stream[start - 4 : start])
        stream = stream[start + size :]
        if opcode == CLOSE:
            return heard, _closed(payload)
        if control:
            heard.append((opcode, payload))
            continue
        if (opcode == CONTINUATION) != (opened != CONTINUATION):
            return heard, 1002
        opened, gathered = opened or opcode, gathered + payload
        if len(gathered) > limit:
            return heard, 1009
        if final:
            if opened == TEXT and not _is_text(gathered):
                return heard, 1007
            heard.append((opened, gathered))
            opened, gathered = CONTINUATION, b""
    return heard, None


def _closed(payload: bytes) -> int:
    """The code that answers a Close frame; 1005 stands for none."""
    code = int.from_bytes(payload[:2], "big")
    allowed = (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999
    if payload and (len(payload) == 1 or not allowed):
        return 1002
    return (code if _is_text(payload[2:]) else 1007) if payload else 1005


def _is_text(payload: bytes) -> bool:
    return payload.decode(errors="replace").encode(errors="replace") == payload
