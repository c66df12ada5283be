"""What a client can send on a WebSocket, at random."""

import random
from collections.abc import Iterator

from wireoracle import masked

from fanout.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

LIMIT = 4096
"""Bytes in a message."""
FRAMES = 30
"""In one stream, if nothing ends it before."""
WORDS = (
    "",
    "a",
    "κόσμε",
    "🦜",
    "\0",
    "x" * 125,
    "y" * 126,
    "z" * 127,
    "ñ" * 1000,
    "q" * LIMIT,
    "q" * (LIMIT + 1),
)
CODES = (
    1000,
    1001,
    1003,
    1007,
    1011,
    1014,
    3000,
    4999,
    0,
    999,
    1004,
    1005,
    1006,
    1015,
    1016,
    2999,
    5000,
    65535,
)


class Client:
    """Sends whole messages in fragments, pings in between, and breaks a rule now and then."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.frames = 0

    def stream(self) -> bytes:
        """The bytes of about `FRAMES` frames, cut off anywhere now and then."""
        sent, last = bytearray(), self.frames + self._random.randint(1, FRAMES)
        while self.frames < last:
            sent += self._fault() if self._random.random() < 0.03 else self._message()
        if self._random.random() < 0.2:
            sent += self._frame(CLOSE, self._random.choice(CODES[:8]).to_bytes(2, "big") + self._text()[:100])
        if self._random.random() < 0.2:
            del sent[self._random.randrange(len(sent)) :]
        return bytes(sent)

    def chopped(self, stream: bytes) -> Iterator[bytes]:
        """As the network may deliver it."""
        start, most = 0, self._random.choice((1, 2, 7, 200, 5000, 1 << 20))
        while start < len(stream):
            end = start + self._random.randint(1, most)
            yield stream[start:end]
            start = end

    def _message(self) -> bytes:
        if self._random.random() < 0.3:
            return self._frame(self._random.choice((PING, PONG)), self._random.randbytes(self._size(125)))
        text = self._random.random() < 0.6
        payload = self._text() if text else self._random.randbytes(self._size(300))
        cuts = sorted(
            self._random.randint(0, len(payload)) for _ in range(self._random.choice((0, 0, 0, 1, 4)))
        )
        parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        sent = bytearray()
        for number, part in enumerate(parts):
            opcode = CONTINUATION if number else TEXT if text else BINARY
            sent += self._frame(opcode, part, final=number == len(parts) - 1)
            if self._random.random() < 0.1:
                sent += self._frame(PING, b"")
        return bytes(sent)

    def _fault(self) -> bytes:
        chance = self._random
        size = chance.randrange(126)
        match chance.randrange(9):
            case 0:
                self.frames += 1
                return chance.randbytes(chance.randint(1, 40))
            case 1:
                return self._frame(chance.randrange(16), bytes(size), reserved=chance.randrange(8))
            case 2:
                return self._frame(
                    chance.choice((PING, PONG, CLOSE)), bytes(size * 2), final=chance.random() < 0.5
                )
            case 3:
                return self._frame(
                    chance.choice((TEXT, BINARY, CONTINUATION)), b"x", final=chance.random() < 0.5
                )
            case 4:
                return self._frame(
                    TEXT, self._text()[:-1] + chance.choice((b"\xff", b"\xed\xa0\x80", b"\xc3"))
                )
            case 5:
                return self._frame(
                    CLOSE, chance.choice(CODES).to_bytes(2, "big") + chance.randbytes(size % 3)
                )
            case 6:
                return self._frame(CLOSE, bytes(size % 2))
            case 7:
                return self._frame(chance.choice((TEXT, PING)), bytes(size), length=chance.choice((2, 8)))
            case _:
                return self._frame(TEXT, bytes(size), mask=False)

    def _frame(
        self,
        opcode: int,
        payload: bytes,
        *,
        final: bool = True,
        reserved: int = 0,
        length: int | None = None,
        mask: bool = True,
    ) -> bytes:
        """`length` is in how many bytes the payload's is written, if not in the fewest."""
        self.frames += 1
        size = len(payload)
        if length is None:
            length = 0 if size < 126 else 2 if size < 1 << 16 else 8
        short, extended = ({2: 126, 8: 127}[length], size.to_bytes(length, "big")) if length else (size, b"")
        head = bytes([final << 7 | reserved << 4 | opcode, mask << 7 | short]) + extended
        key = self._random.randbytes(4) if mask else b""
        return head + key + (masked(payload, key) if mask else payload)

    def _text(self) -> bytes:
        return self._random.choice(WORDS).encode()

    def _size(self, most: int) -> int:
        return self._random.choice((0, 1, self._random.randint(0, most), most))
