"""Spans that cost nothing while nobody collects them.

`telemetry.start` switches tracing on when an OTLP endpoint is configured; until then `span` hands out one
shared context manager that does nothing.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
)
from opentelemetry.util.types import AttributeValue

TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
"""W3C Trace Context, section 3.2.2; a later version may append fields."""
MAX_TRACEPARENT = 128
"""Characters; version 00 has 55."""

_NOTHING: AbstractContextManager[Span] = nullcontext(INVALID_SPAN)
_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Record spans with `tracer` from now on in this process; `None` switches tracing off."""
    global _tracer
    _tracer = tracer


def tracing() -> bool:
    return _tracer is not None


def span(
    name: str,
    traceparent: str | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: AttributeValue,
) -> AbstractContextManager[Span]:
    """Open a span, below `traceparent` if that is valid, else below the current one."""
    if _tracer is None:
        return _NOTHING
    return _tracer.start_as_current_span(name, parent(traceparent), kind, attributes)


def parent(traceparent: str | None) -> Context | None:
    """The remote span that `traceparent` names; `None` if it names none."""
    if traceparent is None or len(traceparent) > MAX_TRACEPARENT:
        return None
    match = TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and match[5]):
        return None
    remote = SpanContext(int(match[2], 16), int(match[3], 16), True, TraceFlags(int(match[4], 16)))
    return trace.set_span_in_context(NonRecordingSpan(remote))


def traceparent() -> str | None:
    """The current span as W3C `traceparent`, to send along with a message."""
    ids = current()
    return f"00-{ids['trace_id']}-{ids['span_id']}-{ids['flags']}" if ids else None


def current() -> Mapping[str, str] | None:
    """`trace_id`, `span_id` and `flags` of the current span, in lower-case hex."""
    if _tracer is None:
        return None
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "flags": f"{context.trace_flags:02x}",
    }
