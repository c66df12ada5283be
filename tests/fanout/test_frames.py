"""The frame codec against the `websockets` library's, and the rules that library does not need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rawsocket import fragments, length, masked
from websockets.frames import Frame as Theirs
from websockets.frames import Opcode
from websockets.streams import StreamReader

from fanout.frames import (
    BINARY,
    CONTINUATION,
    PING,
    TEXT,
    Frame,
    Frames,
    Messages,
    Violation,
    close_frame,
    close_reason,
    frame,
)

LIMIT = 70_000
payloads = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([125, 126, 127, 65535, 65536]).map(bytes),
)
data_frames = st.builds(
    Theirs, st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), payloads, st.booleans()
)
control_frames = st.builds(
    Theirs, st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE]), st.binary(max_size=125)
)


@given(payloads, st.sampled_from([TEXT, BINARY, PING]))
def test_a_server_frame_reads_as_it_was_meant(payload: bytes, opcode: int) -> None:
    payload = payload[:125] if opcode == PING else payload
    reader = StreamReader()
    reader.feed_data(frame(payload, opcode))
    parsing = Theirs.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as parsed:
        next(parsing)
    assert parsed.value.value == Theirs(Opcode(opcode), payload)


@given(st.lists(data_frames | control_frames, max_size=6), st.integers(1, 1000))
def test_client_frames_are_read_however_the_network_chops_them(sent: list[Theirs], chop: int) -> None:
    wire = b"".join(each.serialize(mask=True) for each in sent)
    frames = Frames(LIMIT)
    read = [each for at in range(0, len(wire), chop) for each in frames.receive(wire[at : at + chop])]
    assert read == [Frame(int(each.opcode), each.fin, bytes(each.data)) for each in sent]


@given(st.text(), st.integers(1, 7))
def test_a_text_cut_anywhere_is_joined(words: str, cut: int) -> None:
    payload = words.encode()
    parts = [payload[at : at + cut] for at in range(0, len(payload), cut)] or [b""]
    messages = Messages(LIMIT)
    joined = [messages.join(each) for each in Frames(LIMIT).receive(fragments(*parts))]
    assert joined == [None] * (len(parts) - 1) + [words]


def test_an_announced_size_over_the_limit_is_refused_before_it_arrives() -> None:
    with pytest.raises(Violation) as violation:
        list(Frames(1000).receive(b"\x82" + length(2_000_000_000)))
    assert violation.value.code == 1009


def test_a_message_that_never_ends_is_refused_at_the_limit() -> None:
    messages = Messages(1000)
    assert messages.join(Frame(BINARY, False, bytes(1000))) is None
    assert messages.join(Frame(CONTINUATION, False, b"")) is None
    with pytest.raises(Violation) as violation:
        messages.join(Frame(CONTINUATION, False, b"x"))
    assert violation.value.code == 1009


def test_frames_before_a_bad_one_are_still_read() -> None:
    reading = Frames(LIMIT).receive(masked(b"good") + masked(b"bad", reserved=4))
    assert next(reading) == Frame(TEXT, True, b"good")
    with pytest.raises(Violation, match="reserved"):
        next(reading)


@given(st.text(max_size=200))
def test_a_close_reason_is_cut_between_code_points(reason: str) -> None:
    payload = close_frame(1001, reason)[2:]
    code, said = close_reason(payload)
    assert code == 1001
    assert len(payload) <= 125
    assert reason.startswith(said)


def test_a_close_frame_without_a_code_is_empty() -> None:
    assert close_frame(1005) == b"\x88\x00"
    assert close_reason(b"") == (1005, "")
