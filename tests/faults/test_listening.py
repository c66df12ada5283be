"""What the laboratory's listeners make of bytes, so that the checker compares the log with what came."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from faults import native_listener, sdk_listener
from faults.sse_listener import Message, messages
from hypothesis import given
from hypothesis import strategies as st

from events import CommentPosted, encode
from fanout import native, sse
from fanout.requests import Position
from parley.protocol import Pushed, parse

bodies = st.text(min_size=1, max_size=50)


def posted(body: str) -> bytes:
    """As the log has it."""
    at = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
    event = CommentPosted(
        id=UUID(int=1), room="r", offset=7, at=at, actor="u1", comment=UUID(int=2), body=body
    )
    return encode(event)


@given(bodies)
def test_a_native_frame_gives_the_bytes_of_its_event(body: str) -> None:
    frame = native.event("r", 7, posted(body)).decode()
    assert native_listener.encoded(frame) == posted(body)


@given(bodies)
def test_an_event_of_the_sdk_gives_the_bytes_that_came(body: str) -> None:
    frame = parse(native.event("r", 7, posted(body)))
    assert isinstance(frame, Pushed)
    assert sdk_listener.encoded(frame.event) == posted(body)


async def taken(lines: Sequence[str]) -> list[Message]:
    async def come() -> AsyncIterator[str]:
        for line in lines:
            yield line

    return [message async for message in messages(come())]


async def test_a_stream_gives_its_messages_and_no_half_of_one() -> None:
    head = Position("e", 6)
    text = (sse.retry(1.5) + sse.subscribed("r", head, since=head) + sse.HEARTBEAT).decode()
    event = sse.ENCODING.event("r", "e", 7, posted("hi")).decode()
    came = [*(text + event).split("\n"), *event.split("\n")[:2]]
    retry, subscribed, seen = await taken(came)
    assert retry == Message("", "retry", "1500")
    assert (subscribed.id, subscribed.name) == ("e:6", "subscribed")
    assert seen == Message("e:7", "", posted("hi").decode())
