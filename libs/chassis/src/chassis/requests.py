"""What is known of every HTTP request: how long it took, and a span where spans are recorded.

Named as OpenTelemetry's semantic conventions for HTTP servers name it.
"""

import time

from opentelemetry.metrics import Histogram
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import tracing
from chassis.telemetry import Telemetry

STREAM = b"text/event-stream; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "_OTHER"
"""Any other method, and a path without a route: a label's values are not the client's to invent."""


def duration(telemetry: Telemetry) -> Histogram:
    return telemetry.histogram(
        "http.server.request.duration",
        "s",
        "From a request's head to the end of its answer, or to where a stream begins",
    )


class Requests:
    """ASGI: times requests by method, route and status."""

    def __init__(self, app: ASGIApp, duration: Histogram) -> None:
        self.app = app
        self._duration = duration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500
        took: float | None = None

        async def watch(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                status = message["status"]
                if _is_stream(message):
                    took = time.perf_counter() - began
            await send(message)

        try:
            if tracing.tracing():
                await self._traced(scope, receive, watch)
            else:
                await self.app(scope, receive, watch)
        finally:
            attributes: dict[str, str | int] = {
                "http.request.method": _method(scope),
                "http.route": _route(scope),
                "http.response.status_code": status,
            }
            self._duration.record(time.perf_counter() - began if took is None else took, attributes)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The path is left to the route and the query left out: both may hold what is private."""
        with tracing.span(_method(scope), _traceparent(scope), kind=SpanKind.SERVER) as span:

            async def watch(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self.app(scope, receive, watch)
            finally:
                span.update_name(f"{_method(scope)} {_route(scope)}")
                span.set_attribute("http.route", _route(scope))


def _is_stream(start: Message) -> bool:
    """Its client ends it, when it likes: that is no figure of ours."""
    return (b"content-type", STREAM) in start["headers"]


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in METHODS else OTHER


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", None) or OTHER


def _traceparent(scope: Scope) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
