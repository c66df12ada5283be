"""What the service measures of itself."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from chassis.telemetry import Labels, Telemetry
from notifier.deciding import Deciding
from notifier.errors import Unavailable
from notifier.intake import Intake
from notifier.matters import Matters
from notifier.outbox import Outbox
from notifier.sending import Sending
from notifier.sweeping import Sweeping
from notifier.watermarks import WatermarkIntake

LOOK_SECONDS = 5.0

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds in seconds: of a request to a provider, and of all that a push may have to wait."""

log = logging.getLogger(__name__)


class Backlog:
    """How much is overdue, looked at now and then."""

    def __init__(self, matters: Matters, outbox: Outbox) -> None:
        self._matters, self._outbox = matters, outbox
        self.due = 0
        self.age = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                self.due, age = await self._outbox.overdue()
                self.age = max(age, await self._matters.overdue())
            except Unavailable as error:
                log.warning("the backlog is not known: %s", error)
            await asyncio.sleep(LOOK_SECONDS)


def observe_all(telemetry: Telemetry, deciding: Deciding, sending: Sending, backlog: Backlog) -> None:
    observe = telemetry.observe

    def attempts() -> Iterable[tuple[Labels, float]]:
        return [
            ({"platform": platform, "outcome": outcome}, count)
            for (platform, outcome), count in sending.outcomes.items()
        ]

    def reasons() -> Iterable[tuple[Labels, float]]:
        return [({"reason": reason}, count) for reason, count in deciding.reasons.items()]

    observe("parley.notifier.attempts", "1", "Pushes handed to providers, by how it ended", attempts)
    observe("parley.notifier.decisions", "1", "Members and comments, by what was decided", reasons)
    observe(
        "parley.notifier.recovered",
        "1",
        "Pushes whose sender ended without a word",
        lambda: sending.recovered,
    )
    observe("parley.notifier.flying", "1", "Pushes on their way", lambda: sending.flying, kind="gauge")
    observe("parley.notifier.due", "1", "Pushes that are due and wait", lambda: backlog.due, kind="gauge")
    observe(
        "parley.notifier.age",
        "s",
        "For how long the oldest comment or push has been due",
        lambda: backlog.age,
        kind="gauge",
    )
    sending.observe = _observer(telemetry)


def observe_intakes(
    telemetry: Telemetry, intake: Intake, watermarks: WatermarkIntake, sweeping: Sweeping
) -> None:
    observe = telemetry.observe
    observe("parley.notifier.events", "1", "Events written and confirmed", lambda: intake.taken)
    observe(
        "parley.notifier.intake.age",
        "s",
        "How old the oldest event of the last batch was when it was written",
        lambda: intake.age,
        kind="gauge",
    )
    observe("parley.notifier.filled", "1", "Events read from the log", lambda: intake.holes.filled)
    observe("parley.notifier.receipts", "1", "Messages with receipts confirmed", lambda: watermarks.taken)
    observe(
        "parley.notifier.receipts.ahead",
        "1",
        "Messages with receipts of what is not known yet",
        lambda: watermarks.ahead,
        kind="gauge",
    )
    observe("parley.notifier.forgotten", "1", "Rows deleted for their age", lambda: sweeping.deleted)


def _observer(telemetry: Telemetry) -> Callable[[str, float, float], None]:
    attempt = telemetry.histogram(
        "parley.notifier.attempt", "s", "From handing a push over to the provider's answer", BUCKETS
    )
    delay = telemetry.histogram(
        "parley.notifier.delay", "s", "From when a push was due to the provider's answer", BUCKETS
    )

    def observe(platform: str, seconds: float, since: float) -> None:
        attempt.record(seconds, {"platform": platform})
        delay.record(max(0.0, since), {"platform": platform})

    return observe
