"""The FCM sender against a server that speaks Google's token endpoint and HTTP v1 API."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from certificates import Authority
from fakefcm import FakeFcm
from fcmwords import refusal
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from pushing import until, until_async
from pushservice import Answer, Cut, Silence, Step

from notifier.fcm import FcmSender
from notifier.model import Device
from notifier.sender import Delivered, Gone, Outcome, Push, Rejected, Retry, Unknown

TRACE = f"00-{'1' * 32}-{'2' * 16}-01"
DEADLINE = 10.0
"""Seconds; nothing here waits for it unless it says so."""


@dataclass
class Clock:
    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **times: float) -> None:
        self.at += timedelta(**times)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fcm(authority: Authority, clock: Clock) -> AsyncIterator[FakeFcm]:
    async with FakeFcm.serve(authority) as fake:
        fake.now = clock
        yield fake
        assert not fake.faults


@asynccontextmanager
async def sending_to(fcm: FakeFcm, deadline: float = DEADLINE) -> AsyncIterator[FcmSender]:
    sender = fcm.sender(deadline=deadline)
    yield sender
    await sender.close()


@pytest.fixture
async def sender(fcm: FakeFcm) -> AsyncIterator[FcmSender]:
    async with sending_to(fcm) as sender:
        yield sender


def push_to(device: Device, **more: Any) -> Push:
    push = Push(
        device=device, kind="comment", id=UUID(int=7), room="chat-5-12", offset=41, comment=UUID(int=8),
        title="New message in Chat", body="Ada: hello", icon="https://cdn.example/ada.png", tag="tag-of-room",
        badge=3, more=2, urgent=False, again=False, expires_at=datetime(2026, 3, 1, 13, tzinfo=UTC),
    )  # fmt: skip
    return replace(push, **more)


async def answered(fcm: FakeFcm, sender: FcmSender, *steps: Step) -> Outcome:
    """The outcome of a push while FCM answers so."""
    fcm.script(*steps)
    return await sender.send(push_to(fcm.devices(1)[0]))


async def test_a_comment_is_shown_on_the_phone(fcm: FakeFcm, sender: FcmSender) -> None:
    [device] = fcm.devices(1)
    outcome = await sender.send(push_to(device))
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.startswith("projects/parley-test/messages/0:")
    phone = fcm.phones[device.address]
    assert phone.tray["tag-of-room"] == {
        "title": "New message in Chat",
        "body": "Ada: hello",
        "image": "https://cdn.example/ada.png",
        "tag": "tag-of-room",
        "channel_id": "messages",
        "sound": "default",
        "notification_count": 3,
    }
    assert phone.alerts == [str(UUID(int=7))]


async def test_an_app_is_told_all_of_it_as_strings(fcm: FakeFcm, sender: FcmSender) -> None:
    await sender.send(push_to(fcm.devices(1)[0]))
    assert fcm.arrivals[0].payload["data"] == {
        "type": "comment",
        "id": "00000000-0000-0000-0000-000000000007",
        "room": "chat-5-12",
        "comment": "00000000-0000-0000-0000-000000000008",
        "offset": "41",
        "title": "New message in Chat",
        "body": "Ada: hello",
        "tag": "tag-of-room",
        "icon": "https://cdn.example/ada.png",
        "badge": "3",
        "more": "2",
        "again": "false",
        "urgent": "false",
    }


async def test_a_later_push_about_the_room_replaces_the_earlier_one(fcm: FakeFcm, sender: FcmSender) -> None:
    [device] = fcm.devices(1)
    await sender.send(push_to(device))
    await sender.send(push_to(device, id=UUID(int=9), body="Ada: bye", again=True))
    phone = fcm.phones[device.address]
    assert [shown["body"] for shown in phone.tray.values()] == ["Ada: bye"]
    assert phone.alerts == [str(UUID(int=7))]


async def test_reading_elsewhere_takes_the_notification_back(fcm: FakeFcm, sender: FcmSender) -> None:
    [device] = fcm.devices(1)
    await sender.send(push_to(device))
    read = push_to(device, kind="read", id=UUID(int=9), title="", body="", icon=None, badge=0, more=0)
    assert isinstance(await sender.send(read), Delivered)
    phone = fcm.phones[device.address]
    assert (phone.tray, phone.alerts) == ({}, [str(UUID(int=7))])


async def test_http_1_will_do_where_the_service_has_no_other(authority: Authority) -> None:
    async with FakeFcm.serve(authority, "http/1.1") as fcm, sending_to(fcm) as sender:
        assert isinstance(await answered(fcm, sender), Delivered)
        assert isinstance(await answered(fcm, sender, Cut()), Unknown)
        assert [arrival.taken for arrival in fcm.arrivals] == [True, True]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refusal(404, "NOT_FOUND", "UNREGISTERED"), Gone(None, "404 UNREGISTERED")),
        (refusal(404, "NOT_FOUND"), Rejected("404 NOT_FOUND", ours=True)),
        (Answer(404, body=b"<!DOCTYPE html>"), Rejected("404", ours=True)),
        (
            refusal(400, "INVALID_ARGUMENT", field="message.data[0].value"),
            Rejected("400 INVALID_ARGUMENT message.data[0].value"),
        ),
        (
            refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.token"),
            Gone(None, "400 INVALID_ARGUMENT message.token"),
        ),
        (refusal(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), Rejected("403 SENDER_ID_MISMATCH")),
        (refusal(403, "PERMISSION_DENIED"), Rejected("403 PERMISSION_DENIED", ours=True)),
        (
            refusal(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
            Rejected("401 THIRD_PARTY_AUTH_ERROR", ours=True),
        ),
        (refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), Retry(60.0, "429 QUOTA_EXCEEDED")),
        (refusal(500, "INTERNAL", "INTERNAL"), Retry(1.0, "500 INTERNAL")),
        (refusal(503, "UNAVAILABLE", "UNAVAILABLE", {"retry-after": "7"}), Retry(7.0, "503 UNAVAILABLE")),
        (Answer(503, body=b"[" * 4_000), Retry(1.0, "503")),
        (Answer(400, body=b'{"error":{"details":[7,{"errorCode":7}],"status":7}}'), Rejected("400")),
        (Answer(200, body=b'{"name":7}'), Delivered("")),
    ],
    ids=lambda value: getattr(value, "reason", getattr(value, "receipt", None)) or "-",
)
async def test_each_of_fcms_answers_has_its_outcome(
    fcm: FakeFcm, sender: FcmSender, answer: Answer, outcome: Outcome
) -> None:
    assert await answered(fcm, sender, answer) == outcome
    assert len(fcm.arrivals) == 1


async def test_an_address_that_was_never_a_token_is_gone(fcm: FakeFcm, sender: FcmSender) -> None:
    outcome = await sender.send(push_to(Device("d", "u", "fcm", "not-a-token")))
    assert outcome == Gone(None, "400 INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (format_datetime(datetime(2026, 3, 1, 12, 2, tzinfo=UTC), usegmt=True), 120.0),
        (format_datetime(datetime(2026, 3, 1, 11, tzinfo=UTC), usegmt=True), 0.0),
        ("99999999", 86_400.0),
        ("soon", 60.0),
        ("-5", 60.0),
    ],
    ids=["seconds", "date", "past date", "too long", "neither", "negative"],
)
async def test_retry_after_is_seconds_or_a_date(
    fcm: FakeFcm, sender: FcmSender, value: str, seconds: float
) -> None:
    answer = refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", {"retry-after": value})
    assert await answered(fcm, sender, answer) == Retry(seconds, "429 QUOTA_EXCEEDED")


@pytest.mark.parametrize(
    "character", ["a", "ä", "😀", '"', "\n"], ids=["one", "two", "four", "quote", "line"]
)
async def test_a_text_that_is_too_long_is_cut(fcm: FakeFcm, sender: FcmSender, character: str) -> None:
    outcome = await sender.send(push_to(fcm.devices(1)[0], body="Ada: " + character * 5_000))
    assert isinstance(outcome, Delivered)
    body = fcm.arrivals[0].payload["notification"]["body"]
    assert body.startswith("Ada:")
    assert body.endswith("...")
    size = int(fcm.arrivals[0].fields["content-length"])
    assert size <= 4_096
    assert size > 4_050 or character == "\n"  # white space at the end of the cut is dropped


async def test_a_title_that_is_too_long_is_cut_too(fcm: FakeFcm, sender: FcmSender) -> None:
    huge = push_to(fcm.devices(1)[0], title="Room " * 2_000, icon="https://cdn.example/" + "x" * 5_000)
    assert isinstance(await sender.send(huge), Delivered)
    assert int(fcm.arrivals[0].fields["content-length"]) <= 4_096


async def test_one_token_serves_all_pushes(fcm: FakeFcm, sender: FcmSender) -> None:
    outcomes = await asyncio.gather(*(sender.send(push_to(device)) for device in fcm.devices(200)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert (len(fcm.tokens), len(fcm.arrivals)) == (1, 200)


async def test_a_token_is_renewed_before_its_end_and_nothing_waits_for_it(
    fcm: FakeFcm, sender: FcmSender, clock: Clock
) -> None:
    await answered(fcm, sender)
    clock.pass_by(minutes=44)
    await answered(fcm, sender)
    assert len(fcm.tokens) == 1
    clock.pass_by(minutes=2)
    fcm.script_tokens(Silence())
    assert isinstance(await answered(fcm, sender), Delivered)
    assert len(fcm.tokens) == 1


async def test_a_renewed_token_replaces_the_old_one(fcm: FakeFcm, sender: FcmSender, clock: Clock) -> None:
    await answered(fcm, sender)
    clock.pass_by(minutes=46)
    await answered(fcm, sender)
    await until(lambda: len(fcm.tokens) == 2)
    clock.pass_by(minutes=40)
    assert isinstance(await answered(fcm, sender), Delivered)
    assert len(fcm.tokens) == 2


async def test_a_renewal_that_fails_is_tried_again_while_the_token_lasts(
    fcm: FakeFcm, sender: FcmSender, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await answered(fcm, sender)
    clock.pass_by(minutes=46)
    fcm.script_tokens(Answer(503))
    await answered(fcm, sender)
    await until(lambda: "no OAuth token for FCM: oauth: 503" in caplog.text)
    await answered(fcm, sender)
    assert len(fcm.tokens) == 1
    clock.pass_by(seconds=31)
    await answered(fcm, sender)
    await until(lambda: len(fcm.tokens) == 2)


async def test_a_token_that_ended_is_waited_for(fcm: FakeFcm, sender: FcmSender, clock: Clock) -> None:
    await answered(fcm, sender)
    clock.pass_by(hours=2)
    assert isinstance(await answered(fcm, sender), Delivered)
    assert len(fcm.tokens) == 2


@pytest.mark.parametrize(
    "seconds", ["0", "-5", "1e2000", "1" + "0" * 30], ids=["none", "less", "float", "ages"]
)
async def test_whatever_the_lifetime_of_a_token_a_send_has_an_outcome(
    fcm: FakeFcm, sender: FcmSender, seconds: str
) -> None:
    fcm.script_tokens(Answer(200, body=b'{"access_token":"x","expires_in":%s}' % seconds.encode()))
    assert isinstance(await answered(fcm, sender), Delivered | Rejected)


async def test_a_token_that_fcm_refuses_is_renewed_once_for_all(fcm: FakeFcm, sender: FcmSender) -> None:
    await answered(fcm, sender)
    fcm.tokens = dict.fromkeys(fcm.tokens, fcm.now())
    outcomes = await asyncio.gather(*(sender.send(push_to(device)) for device in fcm.devices(50)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert (len(fcm.tokens), len(fcm.arrivals)) == (2, 51)


async def test_a_new_token_that_is_refused_too_ends_it(fcm: FakeFcm, sender: FcmSender) -> None:
    expired = fcm.refusals()["expired"]
    assert await answered(fcm, sender, expired, expired) == Rejected("401 UNAUTHENTICATED", ours=True)
    assert len(fcm.arrivals) == 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(400, body=b'{"error":"invalid_grant"}'), Rejected("oauth: 400 invalid_grant", ours=True)),
        (Answer(404, body=b"<html>"), Rejected("oauth: 404", ours=True)),
        (Answer(200, body=b'{"id_token":"x"}'), Rejected("oauth: 200", ours=True)),
        (
            Answer(200, body=b'{"access_token":"a\\nb","expires_in":3599}'),
            Rejected("oauth: 200", ours=True),
        ),
        (Answer(429, {"retry-after": "9"}), Retry(9.0, "oauth: 429")),
        (Answer(503), Retry(1.0, "oauth: 503")),
        (Cut(), Retry(1.0, "oauth: the connection was lost")),
    ],
    ids=["refused", "not there", "no token", "two lines", "too many", "trouble", "cut"],
)
async def test_without_a_token_nothing_is_sent(
    fcm: FakeFcm, sender: FcmSender, answer: Step, outcome: Outcome
) -> None:
    fcm.script_tokens(answer)
    assert await answered(fcm, sender) == outcome
    assert not fcm.arrivals


async def test_while_the_token_endpoint_is_silent_the_loop_goes_on_and_sends_end_in_time(
    fcm: FakeFcm,
) -> None:
    fcm.script_tokens(Silence())
    turns = 0
    async with sending_to(fcm, deadline=0.2) as sender:
        sending = asyncio.create_task(answered(fcm, sender))
        while not sending.done():
            turns += 1
            await asyncio.sleep(0)
        assert isinstance(await sending, Retry)
    assert turns > 100
    assert not fcm.arrivals


async def test_a_send_that_is_given_up_does_not_take_the_token_from_the_others(
    fcm: FakeFcm, sender: FcmSender
) -> None:
    fcm.script_tokens(Answer(503, delay=0.1))
    first, second = (asyncio.create_task(sender.send(push_to(device))) for device in fcm.devices(2))
    await until(lambda: fcm.asked == 1)
    first.cancel()
    assert await second == Retry(1.0, "oauth: 503")
    assert fcm.asked == 1


async def test_a_late_refusal_of_the_old_token_does_not_touch_the_new_one(
    fcm: FakeFcm, sender: FcmSender
) -> None:
    expired = fcm.refusals()["expired"]
    fcm.script(expired, replace(expired, delay=0.1))
    outcomes = await asyncio.gather(*(sender.send(push_to(device)) for device in fcm.devices(2)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert fcm.asked == 2


async def test_a_service_that_is_not_there_is_tried_later(fcm: FakeFcm, sender: FcmSender) -> None:
    await answered(fcm, sender)
    await fcm.stop()
    await answered(fcm, sender)  # finds that the connection was cut
    assert isinstance(await answered(fcm, sender), Retry)
    await fcm.start()

    async def is_delivered() -> bool:
        outcome = await answered(fcm, sender)
        assert isinstance(outcome, Delivered | Retry)
        return isinstance(outcome, Delivered)

    await until_async(is_delivered)


async def test_a_project_with_an_odd_name_stays_one_part_of_the_path(fcm: FakeFcm) -> None:
    sender = FcmSender(
        {**fcm.account, "project_id": "../x?y"},
        fcm.url,
        deadline=DEADLINE,
        tls=fcm.authority.client_context(),
        now=fcm.now,
    )
    assert await sender.send(push_to(fcm.devices(1)[0])) == Rejected("404", ours=True)
    assert fcm.faults == ["POST /v1/projects/..%2Fx%3Fy/messages:send"]
    fcm.faults.clear()
    await sender.close()


@pytest.mark.parametrize("lacking", ["project_id", "client_email", "private_key"])
@pytest.mark.parametrize("instead", [{}, {"private_key": "-----BEGIN", "project_id": 7}], ids=["none", "odd"])
def test_credentials_that_are_no_service_accounts_are_refused_at_once(
    authority: Authority, tmp_path: Path, lacking: str, instead: dict[str, Any]
) -> None:
    account = FakeFcm(authority, tmp_path).account
    del account[lacking]
    with pytest.raises(ValueError, match="the credentials have no"):
        FcmSender({**account, **instead}, deadline=DEADLINE)


def test_what_is_no_object_is_no_credentials() -> None:
    with pytest.raises(ValueError, match="project_id"):
        FcmSender(["project_id"], deadline=DEADLINE)


async def test_neither_device_tokens_nor_ours_are_logged_or_told(
    fcm: FakeFcm, sender: FcmSender, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    [device] = fcm.devices(1)
    echo = refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message=f"bad token {device.address}")
    fcm.script(Answer(200, body=b"{}"), echo, Cut(), fcm.refusals()["broken"])
    told = [repr(await sender.send(push_to(device))) for _ in range(4)]
    clock.pass_by(hours=2)
    fcm.script_tokens(Answer(400, body=b'{"error":"invalid_grant"}'))
    told.append(repr(await sender.send(push_to(device))))
    secrets = [device.address, *fcm.tokens, fcm.account["private_key"].splitlines()[1], "eyJ"]
    for text in [caplog.text, *told]:
        assert not [secret for secret in secrets if secret in text]


async def test_an_attempt_is_a_span_of_the_comments_trace(
    fcm: FakeFcm, sender: FcmSender, spans: InMemorySpanExporter
) -> None:
    await sender.send(push_to(fcm.devices(1)[0], trace=TRACE))
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind) == ("fcm.send", SpanKind.CLIENT)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE.split("-")[1]
