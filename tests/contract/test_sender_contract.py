"""The port `Sender`: each adapter, against a server that speaks its service's own protocol."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from contract.senders import (
    AMPLE,
    DEADLINE,
    EVERY,
    MANY,
    MEANING,
    SERVICES,
    TROUBLE,
    a_push,
    attempts,
    check,
    persist,
    pushes,
    refused,
    send,
    until,
)
from pushservice import Cut, PushService, Silence

from notifier.sender import Delivered, Rejected, Retry, Sender, Unknown


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[PushService]:
    """At the end, whatever happened: what was sent broke none of the service's rules."""
    async with SERVICES[request.param]() as service:
        yield service
        assert service.faults == []


@pytest.fixture
async def sender(service: PushService) -> AsyncIterator[Sender]:
    sender = service.sender(deadline=AMPLE)
    yield sender
    await sender.close()


@pytest.fixture
async def hasty(service: PushService) -> AsyncIterator[Sender]:
    """One whose deadline soon runs out."""
    sender = service.sender(deadline=DEADLINE)
    yield sender
    await sender.close()


async def test_a_push_is_delivered_once(service: PushService, sender: Sender) -> None:
    push = a_push(service)
    (outcome,) = await send(sender, push)
    assert isinstance(outcome, Delivered)
    (arrival,) = service.arrivals
    assert (arrival.id, arrival.address, arrival.taken) == (str(push.id), push.device.address, True)


async def test_many_pushes_at_once_are_delivered_once_each(service: PushService, sender: Sender) -> None:
    sent = pushes(service, MANY)
    outcomes = await send(sender, *sent)
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert sorted(arrival.id for arrival in service.arrivals) == sorted(str(push.id) for push in sent)


async def test_every_refusal_means_what_the_port_says(service: PushService, sender: Sender) -> None:
    refusals = {name: answer for name, answer in service.refusals().items() if name != "expired"}
    found = {name: await refused(service, sender, answer) for name, answer in refusals.items()}
    assert {name: type(outcome) for name, outcome in found.items()} == {name: MEANING[name] for name in found}
    assert found.keys() >= EVERY


async def test_refused_credentials_are_ours_and_a_refused_push_is_not(
    service: PushService, sender: Sender
) -> None:
    forbidden = await refused(service, sender, service.refusals()["forbidden"])
    bad = await refused(service, sender, service.refusals()["bad_request"])
    assert isinstance(forbidden, Rejected)
    assert isinstance(bad, Rejected)
    assert (forbidden.ours, bad.ours) == (True, False)


@pytest.mark.parametrize("name", ["too_many", "unavailable"])
async def test_the_pause_that_is_asked_for_is_passed_on(
    service: PushService, sender: Sender, name: str
) -> None:
    service.script(replace(service.refusals()[name], fields={"retry-after": "7"}))
    (outcome,) = await send(sender, a_push(service))
    assert isinstance(outcome, Retry)
    assert outcome.after == 7


@pytest.mark.parametrize("frames", [2, 1000], ids=["two frames", "an empty frame at the end"])
async def test_an_error_in_pieces_is_one_error(service: PushService, sender: Sender, frames: int) -> None:
    broken = service.refusals()["broken"]
    service.script(replace(broken, frames=min(frames, len(broken.body) + 1)), broken)
    sent = pushes(service, MANY)
    outcomes = await send(sender, *sent)
    check(service, sent, outcomes)
    assert (
        sorted(type(outcome).__name__ for outcome in outcomes) == ["Delivered"] * (MANY - 2) + ["Retry"] * 2
    )
    assert len({outcome.reason for outcome in outcomes if isinstance(outcome, Retry)}) == 1


@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_has_an_outcome_and_is_over_with_it(
    service: PushService, sender: Sender, name: str
) -> None:
    step, possible = TROUBLE[name]
    service.script(step)
    sent = pushes(service, 2)
    outcomes = await send(sender, sent[0]) + [await persist(sender, sent[1])]
    check(service, sent, outcomes)
    assert type(outcomes[0]) in possible
    assert isinstance(outcomes[1], Delivered)


@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_among_many_leaves_none_without_an_outcome_and_sends_none_twice(
    service: PushService, sender: Sender, name: str
) -> None:
    await send(sender, a_push(service))
    service.script(TROUBLE[name][0])
    sent = pushes(service, MANY)
    outcomes = await send(sender, *sent)
    check(service, sent, outcomes)
    again = [push for push, outcome in zip(sent, outcomes, strict=True) if isinstance(outcome, Retry)]
    check(service, again, [await persist(sender, push) for push in again])


async def test_a_cut_in_the_middle_of_many_leaves_each_with_an_outcome(
    service: PushService, hasty: Sender
) -> None:
    await send(hasty, a_push(service))
    service.script(*[Silence()] * 10, Cut())
    sent = pushes(service, MANY)
    outcomes = await send(hasty, *sent)
    check(service, sent, outcomes)
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds.count(Unknown) >= 11


async def test_what_waits_when_the_service_goes_was_surely_not_sent_and_what_was_sent_is_unknown(
    service: PushService, sender: Sender
) -> None:
    service.limit_streams(1)
    service.script(*[Silence()] * MANY)
    sent = pushes(service, MANY)
    running = asyncio.create_task(send(sender, *sent))
    await until(lambda: len(service.arrivals) >= 2)
    await service.stop()
    outcomes = await running
    check(service, sent, outcomes)
    kinds = {push.id: type(outcome) for push, outcome in zip(sent, outcomes, strict=True)}
    assert {kinds[push.id] for push in sent if attempts(service, push)} == {Unknown}
    assert set(kinds.values()) == {Unknown, Retry}


async def test_fewer_streams_than_pushes_on_their_way_delay_them_and_lose_none(
    service: PushService, sender: Sender
) -> None:
    service.script(*[replace(service.refusals()["broken"], delay=0.05)] * 10)
    sent = pushes(service, MANY)
    running = asyncio.create_task(send(sender, *sent))
    await until(lambda: len(service.arrivals) >= 1)
    service.limit_streams(1)
    outcomes = await running
    check(service, sent, outcomes)
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["Delivered"] * (MANY - 10) + ["Retry"] * 10


async def test_without_an_answer_it_ends_at_the_deadline_and_nobody_knows(
    service: PushService, hasty: Sender
) -> None:
    service.script(*[Silence()] * 5)
    sent = pushes(service, 6)
    outcomes = await send(hasty, *sent[:5])
    outcomes.append(await persist(hasty, sent[5]))
    check(service, sent, outcomes)
    assert [type(outcome) for outcome in outcomes] == [Unknown] * 5 + [Delivered]


async def test_expired_credentials_are_renewed_and_the_push_is_delivered_once(
    service: PushService, sender: Sender
) -> None:
    service.script(service.refusals()["expired"])
    push = a_push(service)
    assert isinstance((await send(sender, push))[0], Delivered)
    assert attempts(service, push) == [False, True]


async def test_credentials_that_expire_under_many_pushes_are_renewed_for_all(
    service: PushService, sender: Sender
) -> None:
    await send(sender, a_push(service))
    service.script(*[service.refusals()["expired"]] * 10)
    sent = pushes(service, 10)
    outcomes = await send(sender, *sent)
    check(service, sent, outcomes)
    assert Unknown not in {type(outcome) for outcome in outcomes}


async def test_a_refused_connection_is_to_be_tried_again(service: PushService, sender: Sender) -> None:
    sent = pushes(service, MANY)
    await service.stop()
    assert {type(outcome) for outcome in await send(sender, *sent)} == {Retry}
    assert service.arrivals == []


async def test_a_service_that_went_and_came_back_gets_what_it_has_not_had(
    service: PushService, sender: Sender
) -> None:
    sent = pushes(service, 3)
    service.script(Silence())
    running = asyncio.create_task(send(sender, sent[0]))
    await until(lambda: bool(service.arrivals))
    await service.stop()
    outcomes = await running + await send(sender, sent[1])
    await service.start()
    outcomes.append(await persist(sender, sent[2]))
    check(service, sent, outcomes)
    assert [type(outcome) for outcome in outcomes] == [Unknown, Retry, Delivered]


async def test_whoever_stops_waiting_for_an_outcome_leaves_the_others_theirs(
    service: PushService, sender: Sender
) -> None:
    service.script(Silence())
    given_up, *others = pushes(service, 5)
    running = asyncio.create_task(send(sender, given_up))
    await until(lambda: bool(service.arrivals))
    running.cancel()
    await asyncio.wait([running])
    outcomes = await send(sender, *others)
    check(service, others, outcomes)
    assert {type(outcome) for outcome in outcomes} == {Delivered}
