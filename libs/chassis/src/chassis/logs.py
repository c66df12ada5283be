"""Logs: one JSON object per line on stderr, or coloured lines for a person.

Whatever comes from outside stays inside its value, and a token, password or secret never gets out: it is
known by its key, as a `Bearer` credential, as a query parameter, or by looking like a JWT.
"""

import logging
import math
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from chassis import tracing

SECRET_KEY = re.compile(
    r"(?i)token|authorization|secret|password|passwd|cookie|api_?key|credential|database_url|dsn"
)
SECRET_TEXT = re.compile(
    r"(?i)(?P<query>[?&](?:token|access_token|apikey|api_key|key|auth_signature|jwt)=)[^&\s\"'#]+"
    r"|(?P<scheme>\b(?:bearer|basic) +)[a-z0-9._~+/=-]{8,}"
    r"|(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s/@\"']+(?=@)"
    r"|\beyJ[a-z0-9_-]+\.[a-z0-9_-]+\.[a-z0-9_-]*"
)
REDACTED = "[redacted]"
DEPTH = 6
"""Levels of nested objects that are written; below, only the type's name."""
MAX_TEXT = 8192
"""Characters of one value; a traceback of ours has about 3000."""


def configure(
    level: str = "info", style: Literal["json", "console"] = "json", stream: TextIO | None = None
) -> None:
    """Send every log of this process, structlog's and the standard library's, to `stream` (stderr)."""
    render: list[Processor] = (
        [structlog.processors.JSONRenderer()] if style == "json" else [_escape, _console()]
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        add_trace,
        structlog.processors.format_exc_info,
        redact,
    ]
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    _route_standard_library(threshold, [structlog.stdlib.ExtraAdder(), _add_name, *shared], render, stream)


def _route_standard_library(
    threshold: int, shared: list[Processor], render: list[Processor], stream: TextIO | None
) -> None:
    output = logging.StreamHandler(stream)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(threshold)
    for chatty in ("httpx", "httpcore", "asyncio", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(chatty)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(threshold, logging.WARNING))
    # What uvicorn warns of is what clients send: they are not to fill our logs with it.
    logging.getLogger("uvicorn.error").setLevel(max(threshold, logging.ERROR))


def add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Processor: `trace_id` and `span_id` of the current span, if there is one."""
    if ids := tracing.current():
        event["trace_id"], event["span_id"] = ids["trace_id"], ids["span_id"]
    return event


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Processor: what must not be written is not, at whatever depth."""
    return {key: value if key[:1] == "_" else _clean(key, value, DEPTH) for key, value in event.items()}


def _clean(key: str, value: Any, depth: int) -> Any:
    match value:
        case None | bool() | int():
            return value
        case _ if SECRET_KEY.search(key):
            return REDACTED
        case float():
            return value if math.isfinite(value) else repr(value)
        case str():
            return conceal(value)[:MAX_TEXT]
        case Mapping() if depth:
            return {str(name): _clean(str(name), inner, depth - 1) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [_clean(key, inner, depth - 1) for inner in value]
        case _:
            return conceal(repr(value) if depth else type(value).__name__)[:MAX_TEXT]


def conceal(text: str) -> str:
    """`text` without the credentials in it."""
    return SECRET_TEXT.sub(_keep_prefix, text)


def _keep_prefix(match: re.Match[str]) -> str:
    return (match["query"] or match["scheme"] or match["url"] or "") + REDACTED


def _add_name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event


CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _escape(_: WrappedLogger, __: str, event: EventDict) -> MutableMapping[str, Any]:
    """For people: a terminal must not obey what somebody else wrote. Tracebacks keep their lines."""
    return {
        key: CONTROLS.sub(lambda found: repr(found[0])[1:-1], value)
        if isinstance(value, str) and key != "exception"
        else value
        for key, value in event.items()
    }


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
