"""Faults, carried out: a target is broken, left so for a while, and made whole again."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from faults import history
from faults.installation import Installation
from faults.machines import Machine, Server, pause
from faults.proxy import Proxy, Way
from faults.schedule import LINE, PROCESS, Fault, Kind, Plan
from faults.tokens import Tokens

CLOCK = "the clients' tokens"
"""What has a clock to step."""


def targets(installed: Installation) -> dict[str, Sequence[Kind]]:
    """All that can be broken, and how."""
    found: dict[str, Sequence[Kind]] = dict.fromkeys(installed.proxies, LINE)
    for name in installed.machines:
        found[name] = [*PROCESS, Kind.WIPE] if name.startswith("nats") else PROCESS
    return {**found, CLOCK: [Kind.CLOCK]}


class Breaker:
    """Breaks one thing of a group at a time: of the same group, the next one waits until it is whole."""

    def __init__(
        self, installed: Installation, tokens: Tokens, plan: Plan, recorder: history.Recorder
    ) -> None:
        self.done = 0
        self._machines = installed.machines
        self._proxies = installed.proxies
        self._tokens = tokens
        self._plan = plan
        self._recorder = recorder
        self._groups: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, faults: Iterable[Fault]) -> None:
        """All of them, each at its time, until everything is whole again."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as broken:
            for fault in faults:
                await asyncio.sleep(began + fault.at - time.monotonic())
                broken.create_task(self.inject(fault))

    async def inject(self, fault: Fault) -> None:
        async with self._groups[self._plan.group(fault.target)]:
            began = time.monotonic()
            await self._inject(fault)
            named = f"{fault.kind} {_sort(fault.target)}"
            self._recorder.note(history.Fault(named, fault.target, began, time.monotonic(), _detail(fault)))
        self.done += 1

    async def _inject(self, fault: Fault) -> None:
        if fault.kind is Kind.CLOCK:
            await self._step(fault)
        elif fault.kind in LINE:
            await _spoil(self._proxies[fault.target], fault)
        else:
            await _hit(self._machines[fault.target], fault)

    async def _step(self, fault: Fault) -> None:
        """Some clients are cut off meanwhile, and need new tokens from the wrong clock."""
        self._tokens.skew = fault.skew
        self._proxies["clients to fanout (1)"].cut(reset=False)
        await asyncio.sleep(fault.seconds)
        self._tokens.skew = 0.0


async def _spoil(proxy: Proxy, fault: Fault) -> None:
    ways: list[Way] = [proxy.there] * fault.there + [proxy.back] * fault.back
    match fault.kind:
        case Kind.BLACKHOLE:
            with proxy.blackhole(*ways):
                await asyncio.sleep(fault.seconds)
        case Kind.SLOW:
            with proxy.slow(*ways, delay=fault.delay, rate=fault.rate):
                await asyncio.sleep(fault.seconds)
        case _:
            proxy.cut(reset=fault.kind is Kind.RESET)


async def _hit(machine: Machine, fault: Fault) -> None:
    match fault.kind:
        case Kind.PAUSE:
            await pause(machine, fault.seconds)
            return
        case Kind.RESTART:
            await machine.stop()
        case _:
            await machine.kill()
    if fault.kind is Kind.WIPE:
        assert isinstance(machine, Server)
        await asyncio.to_thread(machine.wipe)
    await asyncio.sleep(fault.seconds)
    await machine.start()


def _sort(target: str) -> str:
    """What the table calls a target: all of its sort are one."""
    return re.sub(r"-\d\b| \(\d\)$", "", target)


def _detail(fault: Fault) -> str:
    seconds = f"{fault.seconds:g} s"
    match fault.kind:
        case Kind.CLOCK:
            return f"{seconds}, wrong by {fault.skew:+g} s"
        case Kind.BLACKHOLE:
            return f"{seconds}, {_direction(fault)}"
        case Kind.SLOW:
            return f"{seconds}, {_direction(fault)}, {fault.delay:g} s a piece, {fault.rate:g} bytes/s"
        case Kind.RESET | Kind.FINISH:
            return ""
        case _:
            return seconds


def _direction(fault: Fault) -> str:
    return "both ways" if fault.there and fault.back else "there" if fault.there else "back"
