"""What may arrive on a socket, in the order of the Autobahn test suite's chapters."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from rawsocket import (
    Echo,
    binaries,
    closed,
    closing,
    connected,
    fragments,
    length,
    masked,
    serving,
    talk,
    texts,
)

from fanout.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from fanout.sockets import Limits

LIMIT = 65536
GREETING = "κόσμε".encode()
VALID = """
    00 7f c280 dfbf e0a080 ed9fbf ee8080 efbfbd efbfbe efbfbf f0908080 f09fbfbe f48fbfbf
"""
INVALID = """
    80 bf 80bf 80bf80 c020 e020ef20 f020f720 f820 fc20
    c0 e080 f08080 df efbf f7bfbf fe ff fefeffff
    c0af e080af f08080af f8808080af c1bf e09fbf f08fbfbf
    eda080 edbfbf eda080edb080 edafbfedbfbf
    f4908080 f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf
"""  # lonely; cut short or impossible; overlong; surrogates; beyond Unicode


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """One loop for the module, because its server is shared."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with serving(lambda _: Echo(), Limits(frames=10_000)) as port:
        yield port


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536])
async def test_a_message_of_any_size_comes_back(port: int, size: int) -> None:
    sent = [masked(b"*" * size), masked(b"\xfe" * size, BINARY)]
    assert await talk(port, *sent) == [*texts(b"*" * size), *binaries(b"\xfe" * size), closed(1000)]


@pytest.mark.parametrize("payload", [b"", b"hello", b"\x00\xff\xfe\xfd", b"\xfe" * 125])
async def test_a_ping_is_answered_with_its_payload(port: int, payload: bytes) -> None:
    assert await talk(port, masked(payload, PING)) == [(PONG, payload), closed(1000)]


async def test_pings_are_answered_one_by_one_and_pongs_are_ignored(port: int) -> None:
    sent = [masked(bytes([number]), PING) + masked(b"unasked", PONG) for number in range(10)]
    assert await talk(port, *sent) == [*[(PONG, bytes([number])) for number in range(10)], closed(1000)]


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
async def test_a_reserved_bit_ends_the_connection(port: int, reserved: int, opcode: int) -> None:
    bad = masked(b"", opcode, reserved=reserved)
    assert await talk(port, masked(b"before") + bad + masked(b"after")) == [*texts(b"before"), closed(1002)]


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
async def test_a_reserved_opcode_ends_the_connection(port: int, opcode: int) -> None:
    assert await talk(port, masked(b"before"), masked(b"", opcode)) == [*texts(b"before"), closed(1002)]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"\x81\x05hello", id="unmasked"),
        pytest.param(masked(bytes(126), PING), id="ping of 126 bytes"),
        pytest.param(masked(bytes(126), CLOSE), id="close of 126 bytes"),
        pytest.param(masked(b"", PING, final=False), id="fragmented ping"),
        pytest.param(masked(b"", CLOSE, final=False), id="fragmented close"),
        pytest.param(masked(b"", CONTINUATION), id="continuation of nothing"),
        pytest.param(masked(b"", CONTINUATION, final=False), id="fragment of nothing"),
        pytest.param(masked(b"a", final=False) + masked(b"b"), id="message inside a message"),
        pytest.param(fragments(b"a", b"b") + masked(b"c", CONTINUATION), id="fragment after the last"),
    ],
)
async def test_a_frame_out_of_order_ends_the_connection(port: int, bad: bytes) -> None:
    assert (await talk(port, bad))[-1] == closed(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_fragments_are_joined_around_control_frames(port: int, opcode: int) -> None:
    head, tail = masked(b"one", opcode, final=False), masked(b"two", CONTINUATION)
    middle = masked(b" ", CONTINUATION, final=False)
    sent = [head, masked(b"1", PING), middle, masked(b"2", PONG), masked(b"3", PING), tail]
    assert await talk(port, *sent) == [(PONG, b"1"), (PONG, b"3"), (opcode, b"one two"), closed(1000)]


@pytest.mark.parametrize("pieces", [[b"", b"", b""], [b"", b"middle", b""], [b"a"] * 1000])
async def test_empty_and_tiny_fragments_are_joined(port: int, pieces: list[bytes]) -> None:
    assert await talk(port, fragments(*pieces)) == [*texts(b"".join(pieces)), closed(1000)]


@pytest.mark.parametrize("valid", [GREETING, *map(bytes.fromhex, VALID.split())])
async def test_valid_text_comes_back_whole_and_in_fragments_of_a_byte(port: int, valid: bytes) -> None:
    pieces = [valid[at : at + 1] for at in range(len(valid))]
    assert await talk(port, masked(valid), fragments(*pieces)) == [*texts(valid, valid), closed(1000)]


@pytest.mark.parametrize("invalid", [GREETING[:-1], *map(bytes.fromhex, INVALID.split())])
async def test_invalid_text_ends_the_connection(port: int, invalid: bytes) -> None:
    assert await talk(port, masked(GREETING + invalid)) == [closed(1007)]
    assert await talk(port, fragments(GREETING, invalid, b"edited")) == [closed(1007)]


async def test_text_cut_inside_a_code_point_is_whole_again(port: int) -> None:
    assert await talk(port, fragments(GREETING[:3], GREETING[3:])) == [*texts(GREETING), closed(1000)]


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
)
async def test_a_close_code_is_answered_with_the_same(port: int, code: int) -> None:
    assert await talk(port, closing(code, b"because"), masked(b"after")) == [closed(code)]


async def test_an_empty_close_is_answered_with_an_empty_one(port: int) -> None:
    assert await talk(port, masked(b"", CLOSE)) == [(CLOSE, b"")]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
async def test_a_code_that_is_never_sent_ends_the_connection(port: int, code: int) -> None:
    assert await talk(port, closing(code)) == [closed(1002)]


@pytest.mark.parametrize(("payload", "code"), [(b"\x03", 1002), (b"\x03\xe8\xce\xba\xe1", 1007)])
async def test_a_broken_close_payload_ends_the_connection(port: int, payload: bytes, code: int) -> None:
    assert await talk(port, masked(payload, CLOSE)) == [closed(code)]


async def test_a_close_amid_fragments_is_answered(port: int) -> None:
    assert await talk(port, masked(b"never", final=False), closing(1000), masked(b"ends", CONTINUATION)) == [
        closed(1000)
    ]


@pytest.mark.parametrize(
    "big",
    [
        pytest.param(masked(bytes(LIMIT + 1), BINARY), id="one frame"),
        pytest.param(fragments(bytes(LIMIT), b"x", opcode=BINARY), id="fragments"),
        pytest.param(b"\x82" + length(2**31), id="announced"),
        pytest.param(b"\x82" + length(2**62), id="of 63 bits"),
    ],
)
async def test_a_message_over_the_limit_ends_the_connection(port: int, big: bytes) -> None:
    assert await talk(port, big) == [closed(1009)]


async def test_a_conversation_sent_byte_by_byte_is_understood(port: int) -> None:
    wire = fragments(GREETING, b" and ", GREETING) + masked(b"ping", PING) + masked(bytes(300), BINARY)
    async with connected(port) as peer:
        for byte in wire:
            peer.send(bytes([byte]))
            await peer.writer.drain()
        peer.send(closing(1000))
        expected = [
            *texts(GREETING + b" and " + GREETING),
            (PONG, b"ping"),
            *binaries(bytes(300)),
            closed(1000),
        ]
        assert await peer.rest() == expected


async def test_a_message_in_many_fragments_reaches_the_limit(port: int) -> None:
    pieces = [b"*" * 1300] * 50
    assert await talk(port, fragments(*pieces, b"*" * (LIMIT - 65000))) == [
        *texts(b"*" * LIMIT),
        closed(1000),
    ]
