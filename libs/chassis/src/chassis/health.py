"""`/healthz`, `/readyz` and `/metrics`: what an orchestrator and a monitor ask."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.service import Check, Service
from chassis.telemetry import Telemetry

TIMEOUT = 2
"""Seconds that a dependency has to answer; Kubernetes' own default for a probe is 1."""
NO_STORE = {"Cache-Control": "no-store"}

log = structlog.get_logger("chassis.health")


class State:
    """What `/readyz` answers from."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.draining = False
        self._checks = {
            f"{service.name}.{name}": check for service in services for name, check in service.ready.items()
        }
        self._details = {
            f"{service.name}.{name}": say for service in services for name, say in service.details.items()
        }

    async def check(self) -> dict[str, str]:
        """Each dependency's answer: `ok`, or what kind of error it was."""
        answers = await asyncio.gather(*(_ask(name, check) for name, check in self._checks.items()))
        return dict(zip(self._checks, answers, strict=True))

    def details(self) -> dict[str, str]:
        """What each part says of itself, or the kind of error that it raised."""
        return {name: _said(name, say) for name, say in self._details.items()}


async def _ask(name: str, check: Check) -> str:
    """The kind of error only: its text may name hosts and accounts, which belong in the log."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await check()
    except Exception as error:  # noqa: BLE001  whatever it raises, it does not answer
        log.warning("dependency.failed", dependency=name, kind=type(error).__name__, reason=str(error))
        return type(error).__name__
    return "ok"


def _said(name: str, say: Callable[[], str]) -> str:
    try:
        return say()
    except Exception as error:
        log.exception("detail.failed", part=name)
        return type(error).__name__


def routes(state: State, telemetry: Telemetry | None) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    async def readyz(_: Request) -> Response:
        checks = {} if state.draining else await state.check()
        ready = not state.draining and all(answer == "ok" for answer in checks.values())
        status = "draining" if state.draining else "ready" if ready else "unready"
        details = state.details()
        answer = {"status": status, "checks": checks, **({"details": details} if details else {})}
        return JSONResponse(answer, 200 if ready else 503, NO_STORE)

    async def metrics(_: Request) -> Response:
        text, media_type = telemetry.exposition() if telemetry else (b"", "text/plain")
        return Response(text, media_type=media_type, headers=NO_STORE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
