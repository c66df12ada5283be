"""Logs are lines of JSON that say what happened and never what is secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from chassis import logs
from chassis.auth import sign
from chassis.telemetry import span, start

TOKEN = sign("a secret of at least 32 bytes for HS256", "u1")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure("info", "json", written)
    yield written
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n") if line]


def test_a_log_is_one_line_of_json_with_time_and_level(stream: io.StringIO) -> None:
    structlog.get_logger().info("comment.posted", room="r", offset=7)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "comment.posted", "level": "info", "room": "r", "offset": 7}


def test_the_standard_librarys_logs_take_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").error("bad request %s", "\n{}")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("bad request \n{}", "error", "uvicorn.error")


@given(text=st.text())
def test_no_value_breaks_its_line(text: str) -> None:
    stream = io.StringIO()
    structlog.wrap_logger(
        structlog.WriteLogger(stream), processors=[logs.redact, structlog.processors.JSONRenderer()]
    ).msg("said", body=text)
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"token": TOKEN},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"url": f"/v1/ws?app=1&token={TOKEN}"},
        {"request": [f"GET /v1/ws?token={TOKEN} HTTP/1.1"]},
        {"said": f"it was {TOKEN}, he said"},
        {"jwt_secret": TOKEN.encode()},
        {"settings": {"deep": {"password": TOKEN}}},
        {"raw": f"Authorization: bearer {TOKEN}".encode()},
        {"postgres": f"postgresql://parley:{TOKEN}@localhost/parley"},
        {"secret_value": SecretStr(TOKEN)},
        {"object": {"very": {"very": {"very": {"very": {"very": {"very": {"deep": TOKEN}}}}}}}},
    ],
)
def test_a_token_is_never_written(told: dict[str, Any], stream: io.StringIO) -> None:
    structlog.get_logger().info("connected", **told)
    logging.getLogger("other").info("connected %s", told, extra=told)
    assert len(lines(stream)) == 2
    assert TOKEN not in stream.getvalue()
    assert TOKEN.split(".")[2] not in stream.getvalue()


def test_a_token_in_a_traceback_is_not_written(stream: io.StringIO) -> None:
    try:
        int(TOKEN)
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "with base 10: '[redacted]'" in lines(stream)[0]["exception"]


def test_what_only_looks_secret_by_name_is_written_when_it_is_a_number(stream: io.StringIO) -> None:
    structlog.get_logger().info("cache", tokens=7, token_valid=True, token=None)
    assert {"tokens": 7, "token_valid": True, "token": None}.items() <= lines(stream)[0].items()


def test_values_that_json_lacks_are_still_json(stream: io.StringIO) -> None:
    structlog.get_logger().info("odd", ratio=float("nan"), raw=b"\xff", kind=int, long="x" * 100_000)
    (line,) = lines(stream)
    assert (line["ratio"], line["raw"], line["kind"]) == ("nan", "b'\\xff'", "<class 'int'>")
    assert len(line["long"]) == logs.MAX_TEXT


def test_a_log_names_its_trace(stream: io.StringIO) -> None:
    telemetry = start("test", {}, spans=InMemorySpanExporter())
    with span("outer", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        structlog.get_logger().info("inside")
    telemetry.close()
    structlog.get_logger().info("outside")
    inside, outside = lines(stream)
    assert inside["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert len(inside["span_id"]) == 16
    assert "trace_id" not in outside


def test_below_the_level_nothing_is_written(stream: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("other").debug("detail")
    logging.getLogger("httpx").info("GET https://e.com/?token=t")
    assert not stream.getvalue()


def test_on_a_console_a_value_cannot_steer_the_terminal(stream: io.StringIO) -> None:
    written = io.StringIO()
    logs.configure("info", "console", written)
    structlog.get_logger().info("said\x1b[2J", body="\x1b]0;title\x07\nforged line")
    logging.getLogger("other").warning("said\n\x1b[2J")
    assert len(written.getvalue().strip().split("\n")) == 2
    assert "\x1b[2J" not in written.getvalue()
    assert "\x1b]0;" not in written.getvalue()
