"""Metrics are there for whoever asks; spans only where somebody collects them."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from chassis import tracing
from chassis.serving import Service
from chassis.telemetry import Telemetry, exports, span, start, traceparent

REMOTE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collected() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(collected: InMemorySpanExporter) -> Iterator[Telemetry]:
    telemetry = start("test", {}, spans=collected)
    yield telemetry
    telemetry.close()


@pytest.fixture
def measured() -> Iterator[Telemetry]:
    telemetry = start("test", {})
    yield telemetry
    telemetry.close()


def samples(telemetry: Telemetry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(telemetry.exposition()[0].decode())
    return {
        (each.name, tuple(each.labels.items())): each.value for family in families for each in family.samples
    }


def test_a_plain_integer_is_looked_at_when_somebody_asks(measured: Telemetry) -> None:
    pushed = [0]
    measured.observe("hub.pushed", "", "Frames pushed", lambda: pushed[0])
    pushed[0] = 41
    assert samples(measured)["hub_pushed_total", ()] == 41
    pushed[0] = 42
    assert samples(measured)["hub_pushed_total", ()] == 42


def test_a_gauge_may_have_a_number_per_label(measured: Telemetry) -> None:
    waiting = {"a": 1, "b": 2}
    measured.observe(
        "queue", "By", "Bytes", lambda: [({"room": room}, size) for room, size in waiting.items()], "gauge"
    )
    assert samples(measured)["queue_bytes", (("room", "b"),)] == 2


def test_a_histogram_has_the_buckets_it_was_given(measured: Telemetry) -> None:
    append = measured.histogram("log.append", "s", "Appending", [0.001, 0.1])
    for seconds in (0.0005, 0.05, 5):
        append.record(seconds)
    seen = samples(measured)
    assert [seen["log_append_seconds_bucket", (("le", le),)] for le in ("0.001", "0.1", "+Inf")] == [1, 2, 3]


def test_the_process_itself_is_measured(measured: Telemetry) -> None:
    assert samples(measured)["process_resident_memory_bytes", ()] > 0


def test_two_processes_worth_of_metrics_do_not_mix(measured: Telemetry) -> None:
    other = start("other", {})
    other.observe("only.other", "", "x", lambda: 1)
    assert ("only_other_total", ()) not in samples(measured)
    other.close()


def test_without_a_collector_a_span_is_one_shared_nothing() -> None:
    assert span("a", REMOTE, room="r") is span("b")
    with span("a", REMOTE):
        assert traceparent() is None


def test_a_span_goes_on_from_the_traceparent_it_was_sent(
    traced: Telemetry, collected: InMemorySpanExporter
) -> None:
    with span("outer", REMOTE, room="r"):
        sent = traceparent()
        with span("inner"):
            pass
    inner, outer = collected.get_finished_spans()
    assert outer.parent
    assert inner.parent
    assert f"{outer.parent.span_id:016x}" == REMOTE.split("-")[2]
    assert sent == f"00-0af7651916cd43dd8448eb211c80319c-{inner.parent.span_id:016x}-01"
    assert inner.parent == outer.get_span_context()
    assert dict(outer.attributes or {}) == {"room": "r"}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        REMOTE.upper(),
        REMOTE + "-00",
        REMOTE + "\n",
        "ff" + REMOTE[2:],
        "00-" + "0" * 32 + REMOTE[35:],
        REMOTE[:36] + "0" * 16 + "-01",
        REMOTE + "0" * 10_000,
    ],
)
def test_a_traceparent_that_is_not_valid_is_ignored(header: str, traced: Telemetry) -> None:
    assert tracing.parent(header) is None
    with span("fresh", header):
        assert traceparent() is not None
        assert "0af7651916cd43dd8448eb211c80319c" not in str(traceparent())


def test_a_later_version_of_traceparent_may_say_more() -> None:
    assert tracing.parent("01" + REMOTE[2:] + "-more") is not None


async def test_a_request_is_a_span_below_the_callers(
    traced: Telemetry, collected: InMemorySpanExporter, running: Any
) -> None:
    router = APIRouter()

    @router.get("/rooms/{room}")
    async def room(room: str) -> str | None:
        return traceparent()

    async with running(Service("a", [router]), telemetry=traced) as client:
        inside = (await client.get("/rooms/r?token=t", headers={"traceparent": REMOTE})).json()
    (served,) = collected.get_finished_spans()
    assert served.name == "GET /rooms/{room}"
    assert inside.split("-")[1] == REMOTE.split("-")[1]
    assert "token" not in str(served.attributes)


async def test_a_failed_request_can_be_quoted_by_its_trace(traced: Telemetry, running: Any) -> None:
    router = APIRouter()

    @router.get("/break")
    async def break_down() -> None:
        raise RuntimeError

    async with running(Service("a", [router]), telemetry=traced) as client:
        answer = (await client.get("/break", headers={"traceparent": REMOTE})).json()
    assert answer["trace"].startswith(REMOTE[:36])


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False, False),
    ],
)
def test_only_the_standard_variables_make_it_push(
    environ: dict[str, str], traces: bool, metrics: bool
) -> None:
    assert (exports("traces", environ), exports("metrics", environ)) == (traces, metrics)


async def test_spans_and_metrics_reach_an_otlp_collector(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    received: list[str] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append((await reader.readline()).decode().split()[1])
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(collect, "127.0.0.1", port):
        telemetry = start("test", os.environ)
        telemetry.observe("any", "", "x", lambda: 1)
        with span("sent"):
            pass
        await asyncio.to_thread(telemetry.close)
    assert sorted(received) == ["/v1/metrics", "/v1/traces"]
