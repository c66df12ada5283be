"""Sends what is due: claims rows, looks again, hands them to their providers, writes down what came of it."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from notifier.devices import Devices
from notifier.errors import Unavailable
from notifier.fates import fate_of
from notifier.looking import Looking
from notifier.model import PLATFORMS
from notifier.outbox import Outbox
from notifier.outbox_rows import Claimed, Fate
from notifier.sender import Gone, Outcome, Push, Rejected, Sender, Unknown

POLL_SECONDS = 0.1
"""Between two looks for rows that are due; the look reads an index of nothing else."""

MARGIN_SECONDS = 5.0
"""For looking again and for writing down what came of it, within the time for which a row is claimed."""

RETRY_SECONDS = 1.0
"""Pause after Postgres failed."""

DOUBTFUL_SECONDS = 30.0
"""For which a claim that was not answered may still take rows: longer than Postgres lets a statement run."""

log = logging.getLogger(__name__)


class Sending:
    def __init__(
        self,
        outbox: Outbox,
        looking: Looking,
        devices: Devices,
        senders: Mapping[str, Sender],
        due: asyncio.Event,
        *,
        deadline: float,
        attempts: int,
        concurrency: int,
    ) -> None:
        """Each send ends within `deadline` seconds; of each platform at most `concurrency` run at once.

        So one whose provider hangs holds up no other.
        """
        self._outbox, self._looking, self._devices = outbox, looking, devices
        self._senders = senders
        self._due = due
        self._deadline, self._attempts, self._concurrency = deadline, attempts, concurrency
        self._holder = uuid.uuid4().hex
        self._flying: dict[asyncio.Task[None], Claimed] = {}
        self._fates: list[Fate] = []
        self._doubtful_until = 0.0
        self._draining = False
        self._over = asyncio.Event()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Attempts by platform and kind of outcome."""
        self.recovered = 0
        """Rows of which nobody knows what became."""
        self.observe: Callable[[str, float, float], None] = _ignore
        """Told platform, seconds of the attempt, and seconds since it was decided."""

    @property
    def flying(self) -> int:
        return len(self._flying)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self._turn()
                except Unavailable as error:
                    log.warning("no push is sent: %s", error)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            for task in self._flying:
                task.cancel()

    async def recover(self) -> None:
        """Look for rows whose claim ran out, until cancelled."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                found = await self._outbox.recover(self._attempts)
            except Unavailable as error:
                log.warning("nothing is recovered: %s", error)
                continue
            if found:
                self.recovered += found
                log.warning(
                    "of %s pushes nobody knows what became: they are sent again in their place", found
                )
                self._due.set()

    async def drain(self) -> None:
        """Begin nothing more; wait until what flies has ended and is written down."""
        self._draining = True
        await self._over.wait()

    async def _turn(self) -> None:
        await self._settle()
        if self._draining and not self._flying and not self._fates:
            self._over.set()
        free = self._free()
        begun = 0
        if not self._draining and free:
            self._due.clear()
            begun = await self._begin(free)
        if not begun:
            await self._wait()

    def _free(self) -> Mapping[str, int]:
        """How many may begin; of no platform that is more than half full, so that they begin together."""
        busy = Counter(row.platform for row in self._flying.values())
        free = {platform: self._concurrency - busy[platform] for platform in PLATFORMS}
        return {platform: most for platform, most in free.items() if 2 * most >= self._concurrency}

    async def _claim(self, free: Mapping[str, int]) -> Sequence[Claimed]:
        """What a claim without an answer took all the same is given back: nobody has begun to send it."""
        now = asyncio.get_running_loop().time()
        if now < self._doubtful_until:
            known = [row.id for row in self._flying.values()] + [fate.id for fate in self._fates]
            await self._outbox.release(self._holder, known)
        try:
            return await self._outbox.claim(free, self._holder, self._deadline + MARGIN_SECONDS)
        except Unavailable:
            self._doubtful_until = now + DOUBTFUL_SECONDS
            raise

    async def _wait(self) -> None:
        """For something to begin or to write down."""
        waiting = asyncio.create_task(self._due.wait())
        try:
            await asyncio.wait(
                [waiting, *self._flying], timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        await asyncio.sleep(0.005)  # more ends with the first: it is written down together

    async def _begin(self, free: Mapping[str, int]) -> int:
        rows = await self._claim(free)
        if not rows:
            return 0
        loop = asyncio.get_running_loop()
        until = loop.time() + MARGIN_SECONDS - 1
        try:
            looked = await self._looking.look(rows)
        except Unavailable:
            later = datetime.now(UTC) + timedelta(seconds=RETRY_SECONDS)
            self._fates += [Fate(row.id, "waiting", not_before=later) for row in rows]
            raise
        self._fates += looked.fates
        for row, push in looked.pushes:
            if loop.time() < until:
                self._start(row, push)
            else:
                self._fates.append(Fate(row.id, "waiting", not_before=datetime.now(UTC)))
        return len(rows)

    def _start(self, row: Claimed, push: Push) -> None:
        task = asyncio.create_task(self._send(row, push))
        self._flying[task] = row
        task.add_done_callback(self._flying.pop)

    async def _send(self, row: Claimed, push: Push) -> None:
        began = asyncio.get_running_loop().time()
        outcome = await self._attempt(push)
        now = datetime.now(UTC)
        self.outcomes[row.platform, type(outcome).__name__.lower()] += 1
        took = asyncio.get_running_loop().time() - began
        self.observe(row.platform, took, (now - max(row.created_at, row.not_before)).total_seconds())
        if isinstance(outcome, Rejected):
            ours = "; every push of the platform will be: look at its settings" if outcome.ours else ""
            log.error("%s refused a push: %.200r%s", row.platform, outcome.reason, ours)
        if isinstance(outcome, Gone):
            await self._forget(push, outcome)
        self._fates.append(fate_of(outcome, row, now, self._attempts))

    async def _attempt(self, push: Push) -> Outcome:
        try:
            return await self._senders[push.device.platform].send(push)
        except Exception as error:
            log.exception("a sender of %s failed", push.device.platform)
            return Unknown(type(error).__name__)

    async def _forget(self, push: Push, gone: Gone) -> None:
        try:
            await self._devices.forget(push.device.id, push.device.address, gone.since)
        except Unavailable as error:
            log.warning("a device that is gone is kept until its next push: %s", error)

    async def _settle(self) -> None:
        """Write down what came of rows; kept until Postgres takes it."""
        fates = self._fates[:]
        if fates:
            written = await self._outbox.settle(self._holder, fates)
            del self._fates[: len(fates)]
            if written < len(fates):
                log.warning("%s pushes took longer than they were claimed", len(fates) - written)


def _ignore(_platform: str, _seconds: float, _since: float) -> None:
    """Nobody measures."""
