"""What the contract of senders is tested with: services, pushes to them, what must hold of outcomes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

from certificates import Authority
from contract.recording import PATIENCE
from fakeapns import FakeApns
from fakefcm import FakeFcm
from fakewebpush import FakeWebPush
from pushservice import Answer, Cut, GoAway, PushService, Reset, Step

from notifier.model import Device
from notifier.sender import Delivered, Gone, Outcome, Push, Rejected, Retry, Sender, Unknown

DEADLINE = 0.5
"""Seconds, where it runs out."""
AMPLE = 30.0
"""Seconds, where it must not."""
MANY = 50

SERVICES: dict[str, Callable[[], AbstractAsyncContextManager[PushService]]] = {
    "apns": FakeApns.serve,
    "fcm": FakeFcm.serve,
    "fcm, http/1.1": partial(FakeFcm.serve, protocol="http/1.1"),
    "webpush": lambda: FakeWebPush.serve(Authority()),
    "webpush, http/1.1": lambda: FakeWebPush.serve(Authority(), http2=False),
}


MEANING: Mapping[str, type[Outcome]] = {
    "gone": Gone,
    "gone_since": Gone,
    "unregistered": Gone,
    "bad_request": Rejected,
    "forbidden": Rejected,
    "too_large": Rejected,
    "too_many": Retry,
    "broken": Retry,
    "unavailable": Retry,
}
"""Of refusals; `expired` is none, as it is overcome."""
EVERY = {"bad_request", "forbidden", "too_large", "too_many", "broken", "unavailable"}
"""Those that each service has; of `gone` and `unregistered` each has one."""

TROUBLE: Mapping[str, tuple[Step, set[type[Outcome]]]] = {
    "RST_STREAM": (Reset(), {Unknown}),
    "RST_STREAM, refused": (Reset(refused=True), {Retry, Unknown}),
    "GOAWAY, taken": (GoAway(), {Delivered}),
    "GOAWAY, not taken": (GoAway(taken=False), {Retry, Unknown}),
    "a cut": (Cut(), {Unknown}),
    "an empty error": (Answer(503), {Retry}),
    "an empty error without a frame": (Answer(503, frames=0), {Retry}),
}
"""Steps, and what may come of their push. HTTP/1.1 has no words for what is surely not taken."""


def push_to(device: Device) -> Push:
    return Push(
        device=device,
        kind="comment",
        id=uuid4(),
        room="chat-5-12",
        offset=7,
        comment=uuid4(),
        title="New message",
        body="Ada: hello",
        icon=None,
        tag="dGhlIHRhZyBvZiBhIHJvb20",
        badge=3,
        more=0,
        urgent=False,
        again=False,
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )


def a_push(service: PushService) -> Push:
    return pushes(service, 1)[0]


def pushes(service: PushService, count: int) -> list[Push]:
    return [push_to(device) for device in service.devices(count)]


async def send(sender: Sender, *pushes: Push) -> list[Outcome]:
    """All at once. None hangs: the patience is far beyond every deadline."""
    async with asyncio.timeout(2 * PATIENCE + AMPLE):
        return await asyncio.gather(*(sender.send(push) for push in pushes))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def persist(sender: Sender, push: Push) -> Outcome:
    """Send it until it is not to be tried again."""
    async with asyncio.timeout(PATIENCE):
        while isinstance(outcome := await sender.send(push), Retry):
            await asyncio.sleep(min(outcome.after, 0.05))
    return outcome


def attempts(service: PushService, push: Push) -> list[bool]:
    """Whether it was taken, each time that it arrived."""
    return [arrival.taken for arrival in service.arrivals if arrival.id == str(push.id)]


def check(service: PushService, sent: Iterable[Push], outcomes: Iterable[Outcome]) -> None:
    """None is sent again after it may have been taken, and each outcome is what became of the push."""
    for push, outcome in zip(sent, outcomes, strict=True):
        tries = attempts(service, push)
        assert len(tries) <= 2
        assert True not in tries[:-1]
        if not isinstance(outcome, Unknown):
            assert (True in tries) == isinstance(outcome, Delivered)


async def refused(service: PushService, sender: Sender, answer: Answer) -> Outcome:
    """What comes of a push if this is the answer to each attempt; two are scripted, as some take two."""
    service.script(answer, answer)
    push, before = a_push(service), len(service.arrivals)
    outcomes = await send(sender, push)
    check(service, [push], outcomes)
    if len(service.arrivals) == before + 1:
        await send(sender, a_push(service))
    return outcomes[0]
