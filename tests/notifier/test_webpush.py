"""Pushes to browsers, over real connections to a push service that opens what it is sent."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from certificates import Authority
from fakewebpush import device
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from pushservice import Answer, Silence
from webpushing import DEADLINE, Post, posting, push_to

from notifier import http2
from notifier.channels import PER_ORIGIN
from notifier.sender import Delivered, Rejected, Retry, Unknown
from notifier.vapid import FRESH
from notifier.webpush import SMALL

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LONG = "Ada: " + "x" * 3_000
TRANSPORTS = {"http": (False, False), "https": (True, False), "http/2": (True, True)}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=TRANSPORTS)
async def post(request: pytest.FixtureRequest, authority: Authority) -> AsyncIterator[Post]:
    secure, http2 = TRANSPORTS[request.param]
    async with posting(authority if secure else None, http2=http2) as post:
        yield post


@pytest.fixture
async def plain() -> AsyncIterator[Post]:
    async with posting() as post:
        yield post


async def test_a_push_is_shown(post: Post) -> None:
    outcome = await post.send()
    assert outcome == Delivered(f"{post.service.origin}/message/1")
    (shown,) = post.browser.notifications.values()
    assert (shown["title"], shown["body"]) == ("New message in Lobby", "Ada: hello")
    assert post.service.faults == []


async def test_a_request_has_the_fields_of_web_push_and_no_others(post: Post) -> None:
    await post.send(trace=TRACE)
    fields = {name: value for name, value in post.service.arrivals[0].fields.items() if name[0] != ":"}
    assert 3595 <= int(fields.pop("ttl")) <= 3600
    assert fields.pop("authorization").startswith("vapid t=")
    assert int(fields.pop("content-length")) == 86 + 512 + 17
    fields.pop("host", "")
    assert fields == {
        "urgency": "high", "topic": "a-tag_of-the-room", "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
    }  # fmt: skip


async def test_a_browser_that_returns_is_shown_only_the_last_of_a_room(post: Post) -> None:
    post.browser.online = False
    await post.send(1, body="first")
    await post.send(2, body="second", more=1)
    await post.send(3, body="elsewhere", tag="another-room")
    post.browser.return_()
    assert {shown["body"] for shown in post.browser.notifications.values()} == {"second", "elsewhere"}
    assert len(post.browser.alerts) == 2


async def test_what_is_sent_again_replaces_without_a_sound(post: Post) -> None:
    await post.send(1, body="first")
    await post.send(1, body="first", again=True)
    assert len(post.browser.notifications) == 1
    assert post.browser.alerts == [str(UUID(int=1))]


async def test_what_was_read_elsewhere_is_taken_back(post: Post) -> None:
    await post.send(1)
    await post.send(2, kind="read", title="", body="")
    assert post.browser.notifications == {}


async def test_one_connection_is_enough_for_what_comes_one_after_the_other(post: Post) -> None:
    for number in range(5):
        assert isinstance(await post.send(number), Delivered)
    assert post.service.connections == 1


async def test_many_at_once_share_few_connections(post: Post) -> None:
    outcomes = await asyncio.gather(*(post.send(number) for number in range(60)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert post.service.connections <= PER_ORIGIN


async def test_many_large_ones_are_sent_as_fast_as_the_service_takes_them(post: Post) -> None:
    """More than HTTP/2 allows on a connection before it says that more may come."""
    outcomes = await asyncio.gather(*(post.send(number, body=LONG) for number in range(60)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert {len(one.payload["body"]) for one in post.service.arrivals} == {len(LONG)}


async def test_what_is_too_large_for_a_service_is_cut_and_sent_once_more(post: Post) -> None:
    post.service.script(post.service.refusals()["too_large"])
    assert isinstance(await post.send(body=LONG), Delivered)
    sizes = [int(arrival.fields["content-length"]) for arrival in post.service.arrivals]
    assert sizes == [86 + 3_328 + 17, 86 + SMALL + 17]
    assert post.browser.notifications["a-tag_of-the-room"]["body"].endswith("x...")


async def test_what_is_still_too_large_is_rejected(post: Post) -> None:
    post.service.script(*[post.service.refusals()["too_large"]] * 2)
    assert await post.send(body=LONG) == Rejected("413 104")
    assert len(post.service.arrivals) == 2


async def test_what_is_small_already_is_not_sent_again(post: Post) -> None:
    post.service.script(post.service.refusals()["too_large"])
    assert await post.send() == Rejected("413 104")
    assert len(post.service.arrivals) == 1


async def test_a_signature_that_is_refused_is_made_anew_once(post: Post) -> None:
    post.service.script(*[post.service.refusals()["expired"]] * 2)
    assert await post.send() == Rejected("401 109", ours=True)
    signatures = {arrival.fields["authorization"] for arrival in post.service.arrivals}
    assert len(signatures) == len(post.service.arrivals) == 2


async def test_a_fresh_signature_that_is_forbidden_is_not_tried_again(plain: Post) -> None:
    plain.service.script(plain.service.refusals()["forbidden"])
    assert await plain.send() == Rejected("403 109", ours=True)
    assert len(plain.service.arrivals) == 1


async def test_an_old_signature_that_is_forbidden_may_have_expired() -> None:
    began = datetime.now(UTC)
    times = [began - timedelta(seconds=FRESH), began]
    async with posting(now=lambda: times[0]) as post:
        await post.send(1)
        times.pop(0)
        post.service.script(post.service.refusals()["forbidden"])
        assert isinstance(await post.send(2), Delivered)


async def test_a_subscription_of_another_key_is_not_sent_to(plain: Post) -> None:
    other = plain.service.browser(sender="B" * 87)
    outcome = await plain.sender.send(push_to(device("d2", other)))
    assert isinstance(outcome, Rejected)
    assert outcome.ours
    assert plain.service.faults == ["subscribed with another key"]


async def test_a_browser_that_unsubscribed_is_gone(post: Post) -> None:
    post.browser.gone = True
    assert type(await post.send()).__name__ == "Gone"


async def test_of_an_endless_answer_the_beginning_is_read(post: Post) -> None:
    post.service.script(Answer(400, body=b"x" * 3_000_000, frames=3_000))
    assert await post.send(1) == Rejected("400")
    assert isinstance(await post.send(2), Delivered)


async def test_a_connection_that_the_service_ended_is_replaced(authority: Authority) -> None:
    async with posting(authority) as post:
        await post.send(1)
        post.service.dismiss()
        outcomes = [await post.send(2)]
        while isinstance(outcomes[-1], Retry):
            outcomes.append(await post.send(2))
        assert isinstance(outcomes[-1], Delivered)
        assert post.service.connections == 2


async def test_a_connection_that_carried_much_is_replaced_and_nothing_is_lost(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http2, "LAST", 9)
    async with posting(authority) as post:
        outcomes = await asyncio.gather(*(post.send(number) for number in range(20)))
        assert {type(outcome) for outcome in outcomes} == {Delivered}
        assert post.service.connections == 4


async def test_what_is_not_answered_when_the_sender_closes_has_an_outcome(post: Post) -> None:
    post.service.script(Silence())
    running = asyncio.create_task(post.send())
    async with asyncio.timeout(DEADLINE):
        while not post.service.arrivals:
            await asyncio.sleep(0.01)
    await post.sender.close()
    assert isinstance(await running, Unknown)
    assert isinstance(await post.send(2), Retry)


async def test_an_attempt_is_a_span_of_the_comments_trace(plain: Post, spans: InMemorySpanExporter) -> None:
    await plain.send(trace=TRACE)
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind) == ("webpush.send", SpanKind.CLIENT)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE.split("-")[1]
    assert "traceparent" not in plain.service.arrivals[0].fields
