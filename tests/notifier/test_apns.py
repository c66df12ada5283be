"""Pushes to Apple devices: what a phone shows of them, and what becomes of an attempt."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from contract.senders import AMPLE, a_push, pushes, send, until
from fakeapns import GONE_SINCE, TOPIC, FakeApns
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from phones import Phone
from pushservice import GoAway, Reset, Silence

from notifier.apns import ApnsSender
from notifier.sender import Delivered, Gone, Push, Rejected, Retry, Unknown

TRACE = f"00-{'1' * 32}-{'2' * 16}-01"


@pytest.fixture
async def apns() -> AsyncIterator[FakeApns]:
    async with FakeApns.serve() as apns:
        yield apns


@pytest.fixture
async def sender(apns: FakeApns) -> AsyncIterator[ApnsSender]:
    sender = apns.sender(deadline=AMPLE)
    yield sender
    await sender.close()


@pytest.fixture
def push(apns: FakeApns) -> Push:
    return a_push(apns)


@pytest.fixture
def phone(apns: FakeApns, push: Push) -> Phone:
    return apns.phones[push.device.address]


def read_elsewhere(push: Push, badge: int | None) -> Push:
    return replace(push, kind="read", id=uuid4(), title="", body="", badge=badge)


# What a phone shows


async def test_a_comment_is_shown_and_heard(sender: ApnsSender, push: Push, phone: Phone) -> None:
    await send(sender, push)
    (shown,) = phone.notifications.values()
    assert shown["aps"]["alert"] == {"title": "New message", "body": "Ada: hello"}
    assert shown["parley"]["comment"] == str(push.comment)
    assert (phone.alerts, phone.badge) == ([str(push.id)], 3)


async def test_a_later_comment_of_the_room_takes_the_place_of_the_shown_one(
    sender: ApnsSender, push: Push, phone: Phone
) -> None:
    later = replace(push, id=uuid4(), body="Ada: hello again", more=1)
    await send(sender, push)
    await send(sender, later)
    assert [shown["aps"]["alert"]["body"] for shown in phone.notifications.values()] == ["Ada: hello again"]
    assert phone.alerts == [str(push.id), str(later.id)]


async def test_another_attempt_replaces_without_a_sound(sender: ApnsSender, push: Push, phone: Phone) -> None:
    await send(sender, push)
    await send(sender, replace(push, again=True))
    assert len(phone.notifications) == 1
    assert phone.alerts == [str(push.id)]


@pytest.mark.parametrize(("badge", "left"), [(1, 1), (0, 0), (None, 3)])
async def test_what_is_read_elsewhere_is_taken_back_and_the_badge_set(
    sender: ApnsSender, push: Push, phone: Phone, badge: int | None, left: int
) -> None:
    outcomes = await send(sender, push) + await send(sender, read_elsewhere(push, badge))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert (phone.notifications, phone.badge, len(phone.alerts)) == ({}, left, 1)


async def test_a_phone_that_was_off_while_it_was_read_elsewhere_shows_nothing(
    sender: ApnsSender, push: Push, phone: Phone
) -> None:
    phone.online = False
    await send(sender, push)
    await send(sender, read_elsewhere(push, 0))
    phone.return_(datetime.now(UTC).timestamp())
    assert (phone.notifications, phone.alerts) == ({}, [])


async def test_a_phone_that_was_off_for_too_long_shows_nothing(
    sender: ApnsSender, push: Push, phone: Phone
) -> None:
    phone.online = False
    await send(sender, push)
    phone.return_((push.expires_at + timedelta(seconds=1)).timestamp())
    assert phone.alerts == []


# What an attempt does


async def test_a_device_without_the_app_is_gone_since_it_was_removed(
    apns: FakeApns, sender: ApnsSender, push: Push, phone: Phone
) -> None:
    phone.gone_since = GONE_SINCE / 1000
    assert await send(sender, push) == [
        Gone(datetime.fromtimestamp(GONE_SINCE / 1000, UTC), "410 Unregistered")
    ]


async def test_a_refused_stream_and_one_after_goaway_were_surely_not_taken(
    apns: FakeApns, sender: ApnsSender
) -> None:
    apns.script(Reset(refused=True))
    (refused,) = await send(sender, a_push(apns))
    apns.script(GoAway(taken=False))
    (late,) = await send(sender, a_push(apns))
    assert [type(outcome) for outcome in (refused, late)] == [Retry, Retry]


async def test_what_was_on_its_way_before_goaway_is_answered_and_the_rest_is_not_taken(
    apns: FakeApns,
) -> None:
    sender = apns.sender(deadline=AMPLE, connections=1)
    await send(sender, a_push(apns))
    slow = replace(apns.refusals()["broken"], delay=0.05)
    apns.script(*[slow] * 10, GoAway())
    outcomes = await send(sender, *pushes(apns, 30))
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Retry] * 10 + [Delivered] + [Retry] * 19
    assert {outcome.reason for outcome in outcomes[11:] if isinstance(outcome, Retry)} == {
        "the connection is going away"
    }
    assert len(apns.arrivals) == 12
    await sender.close()


async def test_all_connections_and_senders_show_one_token(apns: FakeApns) -> None:
    apns.limit_streams(1)
    senders = [apns.sender(deadline=AMPLE) for _ in range(3)]
    for sender in senders:
        await send(sender, *pushes(apns, 10))
    assert apns.connections > len(senders)
    assert len(apns.account.tokens) == 1
    for sender in senders:
        await sender.close()


async def test_many_that_are_refused_for_an_old_token_make_one_new_token(
    apns: FakeApns, sender: ApnsSender
) -> None:
    apns.script(*[apns.refusals()["expired"]] * 20)
    outcomes = await send(sender, *pushes(apns, 20))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert len(apns.account.tokens) == 2
    assert apns.faults == []


async def test_if_new_tokens_are_refused_too_it_is_our_trouble_and_no_more_are_made(
    apns: FakeApns, sender: ApnsSender
) -> None:
    apns.script(*[apns.refusals()["expired"]] * 3)
    outcomes = [*await send(sender, a_push(apns)), *await send(sender, a_push(apns))]
    assert outcomes == [Rejected("403 ExpiredProviderToken", ours=True)] * 2
    assert len(apns.account.tokens) == 2


async def test_an_address_can_lead_nowhere_else(apns: FakeApns, sender: ApnsSender, push: Push) -> None:
    evil = replace(push, device=replace(push.device, address="../../x?y#z\r\n:path: /"))
    assert await send(sender, evil) == [Rejected("400 BadDeviceToken")]
    assert apns.arrivals == []


@pytest.mark.parametrize("topic", ["", "a b", "a\r\nb: c", "ü", "x" * 256])
async def test_a_topic_that_is_none_is_not_sent(
    apns: FakeApns, sender: ApnsSender, push: Push, topic: str
) -> None:
    odd = replace(push, device=replace(push.device, target=topic))
    (outcome,) = await send(sender, odd)
    assert isinstance(outcome, Delivered if not topic else Rejected)


async def test_the_topic_of_a_device_is_asked_for(apns: FakeApns, sender: ApnsSender, push: Push) -> None:
    (outcome,) = await send(sender, replace(push, device=replace(push.device, target="chat.other")))
    assert outcome == Rejected("400 DeviceTokenNotForTopic")
    (outcome,) = await send(sender, replace(push, device=replace(push.device, target=TOPIC)))
    assert isinstance(outcome, Delivered)


async def test_what_cannot_be_made_to_fit_is_not_sent(apns: FakeApns, sender: ApnsSender, push: Push) -> None:
    assert await send(sender, replace(push, room="r" * 5000)) == [Rejected("PayloadTooLarge")]
    assert apns.arrivals == []


async def test_what_is_under_way_when_it_is_closed_has_an_outcome(
    apns: FakeApns, sender: ApnsSender, push: Push
) -> None:
    apns.script(Silence())
    running = asyncio.create_task(send(sender, push))
    await until(lambda: bool(apns.arrivals))
    await sender.close()
    assert [type(outcome) for outcome in await running + await send(sender, push)] == [Unknown, Retry]


async def test_an_attempt_is_a_span_of_the_comments_trace(
    sender: ApnsSender, push: Push, spans: InMemorySpanExporter
) -> None:
    await send(sender, replace(push, trace=TRACE))
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind) == ("apns.send", SpanKind.CLIENT)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE.split("-")[1]
