"""What is sent to NATS at once, and what becomes of it."""

import asyncio

import pytest

from events import Full, StreamError
from fanout.window import Window

Sent = asyncio.Future[None]


class Outcomes:
    """What the window says of what it was given, and of NATS."""

    def __init__(self, *, asked: bool = False) -> None:
        """Whether it is `asked` what to do with those that there is no room for."""
        self.asked = asked
        self.settled: list[bool] = []
        self.back = self.full = 0
        self.window = Window("tests", self._back)

    def _back(self) -> None:
        self.back += 1

    def _refused(self) -> None:
        self.full += 1

    async def send(self, outcome: BaseException | None = None) -> None:
        sent: Sent = asyncio.get_running_loop().create_future()
        if outcome is None:
            sent.set_result(None)
        elif isinstance(outcome, asyncio.CancelledError):
            sent.cancel()
        else:
            sent.set_exception(outcome)

        async def send() -> Sent:
            return sent

        await self.window.send(send, self.settled.append, self._refused if self.asked else None)


async def raising() -> Sent:
    raise StreamError("not connected")


async def hanging() -> Sent:
    await asyncio.Event().wait()
    raise AssertionError("it waits for ever")


@pytest.mark.parametrize(
    "failure", [StreamError("away"), asyncio.CancelledError()], ids=["away", "cancelled"]
)
async def test_what_fails_begins_an_outage_and_the_next_that_does_not_ends_it(failure: BaseException) -> None:
    outcomes = Outcomes()
    await outcomes.send(failure)
    await outcomes.window.flush()
    assert (outcomes.settled, outcomes.back, outcomes.window.failures) == ([False], 0, 1)
    await outcomes.window.ready()
    await outcomes.send()
    assert (outcomes.settled, outcomes.back, outcomes.window.failures) == ([False, True], 1, 1)


async def test_what_there_is_no_room_for_begins_no_outage_and_ends_one() -> None:
    outcomes = Outcomes(asked=True)
    await outcomes.send(Full("maximum bytes exceeded"))
    await outcomes.window.flush()
    assert (outcomes.full, outcomes.back, outcomes.window.failures) == (1, 0, 1)
    await outcomes.send(StreamError("away"))
    await outcomes.window.flush()
    await outcomes.window.ready()
    await outcomes.send(Full("maximum bytes exceeded"))
    assert (outcomes.full, outcomes.back, outcomes.window.failures) == (2, 1, 3)
    assert outcomes.settled == [False]


async def test_that_there_is_no_room_is_a_failure_to_those_who_know_nothing_of_it() -> None:
    outcomes = Outcomes()
    await outcomes.send(Full("maximum bytes exceeded"))
    await outcomes.window.flush()
    await outcomes.window.ready()
    await outcomes.send()
    assert (outcomes.settled, outcomes.back, outcomes.window.failures) == ([False, True], 1, 1)


async def test_what_cannot_be_handed_over_has_failed() -> None:
    outcomes = Outcomes()
    await outcomes.window.send(raising, outcomes.settled.append)
    await outcomes.window.flush()
    assert outcomes.settled == [False]
    assert outcomes.window.failures == 1


async def test_what_is_being_handed_over_when_that_is_cancelled_is_not_lost() -> None:
    outcomes = Outcomes()
    sending = asyncio.create_task(outcomes.window.send(hanging, outcomes.settled.append))
    await asyncio.sleep(0)
    flushing = asyncio.create_task(outcomes.window.flush())
    await asyncio.sleep(0)
    sending.cancel()
    await flushing
    assert outcomes.settled == [False]
    assert outcomes.window.failures == 0
