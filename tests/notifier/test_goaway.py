"""GOAWAY is taken out of what HTTP/2 is given, wherever the network cuts it."""

import contextlib

import pytest
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, PingFrame
from hypothesis import given
from hypothesis import strategies as st

from notifier.goaway import Frames, FrameTooLarge, GoAway

OTHERS = st.one_of(
    st.builds(lambda data: DataFrame(1, data=data), st.binary(max_size=40)),
    st.builds(lambda data: PingFrame(0, opaque_data=data), st.binary(min_size=8, max_size=8)),
)
LEAVING = st.builds(
    lambda last, code, why: GoAwayFrame(0, last_stream_id=last, error_code=code, additional_data=why),
    st.integers(0, 2**31 - 1), st.integers(0, 13), st.binary(max_size=20),
)  # fmt: skip


def fed(pieces: list[bytes]) -> list[bytes | GoAway]:
    frames = Frames()
    found: list[bytes | GoAway] = []
    for piece in pieces:
        for one in frames.feed(piece):
            if isinstance(one, bytes) and found and isinstance(found[-1], bytes):
                found[-1] += one
            else:
                found.append(one)
    return found


def expected(frames: list[Frame]) -> list[bytes | GoAway]:
    found: list[bytes | GoAway] = []
    for frame in frames:
        if isinstance(frame, GoAwayFrame):
            found.append(GoAway(frame.last_stream_id, frame.error_code))
        elif found and isinstance(found[-1], bytes):
            found[-1] += frame.serialize()
        else:
            found.append(frame.serialize())
    return found


@given(st.lists(st.one_of(OTHERS, LEAVING), max_size=6), st.data())
def test_it_is_found_among_all_others_however_they_arrive(frames: list[Frame], data: st.DataObject) -> None:
    sent = b"".join(frame.serialize() for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert fed(pieces) == expected(frames)


@given(st.binary(max_size=60))
def test_what_is_no_http2_is_passed_on_waited_for_or_refused(data: bytes) -> None:
    frames = Frames()
    with contextlib.suppress(FrameTooLarge):
        passed = b"".join(one for one in frames.feed(data) if isinstance(one, bytes))
        assert data.startswith(passed) or GoAway in {type(one) for one in Frames().feed(data)}


def test_a_frame_larger_than_allowed_is_not_waited_for() -> None:
    with pytest.raises(FrameTooLarge):
        fed([(16_385).to_bytes(3) + bytes(6)])


def test_a_goaway_that_is_too_short_is_left_to_who_can_refuse_it() -> None:
    frame = (4).to_bytes(3) + bytes([7]) + bytes(5) + bytes(4)
    assert fed([frame]) == [frame]
