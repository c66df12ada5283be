"""50,000 frames of all kinds: read as RFC 6455 says, without growth."""

import gc
import json
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wirefuzz import compare, converse

from fanout import receiving
from fanout.receiving import BadFrame, BadRequest

CODEC, SOCKETS = 40_000, 10_000
"""Frames."""
GROWTH = 64 * 1024
"""Bytes that may stay behind: counters and caches of the interpreter, and nothing of a stream."""
ENDS = {None, 1002, 1005, 1007, 1009}
"""How streams end, beside the codes that clients choose."""


def test_frames_at_random_are_read_as_the_rfc_says() -> None:
    assert set(compare(1, CODEC)) > ENDS


async def test_frames_at_random_are_answered_as_the_rfc_says() -> None:
    assert set(await converse(2, SOCKETS)) > ENDS


def test_reading_leaves_nothing_behind() -> None:
    tracemalloc.start()
    try:
        compare(3, 1000)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        compare(4, 3000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < GROWTH


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(-1, 2**54) | values,
        "type": st.sampled_from(
            ["connect", "subscribe", "unsubscribe", "typing", "signal", "refresh", "read", "presence"]
        )
        | values,
        "room": st.from_regex(r"\A[A-Za-z0-9_\-=@,.;]{1,164}\Z") | values,
        "token": st.text() | values,
        "name": st.from_regex(r"\A[A-Za-z0-9_\-:.]{1,64}\Z") | values,
        "data": values,
        "since": st.fixed_dictionaries({"epoch": st.text() | values, "offset": st.integers() | values})
        | values,
    },
)


def understood(frame: str) -> bool:
    try:
        receiving.receive(frame)
    except (BadFrame, BadRequest):
        return False
    return True


@given(st.text() | st.text(alphabet='{}[]":,0123456789eE.-+\\ unltrafse'))
def test_any_text_is_a_request_or_refused(text: str) -> None:
    understood(text)


@given(requests | values, st.booleans())
def test_any_json_is_a_request_or_refused(value: object, ascii_only: bool) -> None:
    understood(json.dumps(value, ensure_ascii=ascii_only))


@pytest.mark.parametrize("seed", range(5))
def test_a_request_with_any_byte_changed_is_a_request_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    whole = {
        "id": 1,
        "type": "subscribe",
        "room": "r",
        "since": {"epoch": "e", "offset": 3},
        "data": [1, "ñ"],
    }
    for _ in range(2000):
        frame = list(json.dumps(whole, ensure_ascii=False))
        for _ in range(chance.randint(1, 3)):
            frame[chance.randrange(len(frame))] = chr(
                chance.choice((chance.randrange(128), chance.randrange(55296)))
            )
        understood("".join(frame))
