"""Metrics and traces (OpenTelemetry).

Metrics are always kept and read from `/metrics` as Prometheus text. They are pushed, and spans recorded, only
where the standard variables name an OTLP endpoint; sampling follows `OTEL_TRACES_SAMPLER`. The SDK reads
those itself.

What happens often is counted in plain integers, which are looked at when somebody asks (`Telemetry.observe`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
)
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from chassis import tracing
from chassis.tracing import span, traceparent

__all__ = ["BUCKETS", "Labels", "Telemetry", "span", "start", "traceparent"]

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds: fine around what is promised, coarse where only "too slow" matters."""

Labels = Mapping[str, str]
Count = Callable[[], float | Iterable[tuple[Labels, float]]]
"""A number, or one per set of labels."""


class Telemetry:
    def __init__(
        self, meters: MeterProvider, tracers: TracerProvider | None, registry: CollectorRegistry
    ) -> None:
        self._meters, self._tracers, self._registry = meters, tracers, registry
        self._meter = meters.get_meter("parley")

    def observe(
        self,
        name: str,
        unit: str,
        description: str,
        count: Count,
        kind: Literal["counter", "gauge"] = "counter",
    ) -> None:
        """Report what `count` returns whenever metrics are read; a counter only ever grows."""

        def look(_: CallbackOptions) -> Iterable[Observation]:
            now = count()
            if isinstance(now, int | float):
                return [Observation(now)]
            return [Observation(value, dict(labels)) for labels, value in now]

        make = (
            self._meter.create_observable_counter
            if kind == "counter"
            else self._meter.create_observable_gauge
        )
        make(name, [look], unit, description)

    def histogram(
        self, name: str, unit: str, description: str, buckets: Sequence[float] = BUCKETS
    ) -> Histogram:
        return self._meter.create_histogram(
            name, unit, description, explicit_bucket_boundaries_advisory=list(buckets)
        )

    def exposition(self) -> tuple[bytes, str]:
        """All metrics as Prometheus text, and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def close(self) -> None:
        """Send what is left. Blocks for as long as a dead OTLP endpoint takes to time out."""
        tracing.use(None)
        self._meters.shutdown()
        if self._tracers is not None:
            self._tracers.shutdown()


def start(service_name: str, environ: Mapping[str, str], *, spans: SpanExporter | None = None) -> Telemetry:
    """Begin to measure this process; `spans` receives every span at once, for tests.

    `environ` is the process' environment: only a `__main__` may read that.
    """
    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or service_name})
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    readers: list[MetricReader] = [PrometheusMetricReader(registry=registry, scope_info_enabled=False)]
    if exports("metrics", environ):
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    tracers = _tracers(resource, environ, spans)
    tracing.use(tracers.get_tracer("parley") if tracers else None)
    return Telemetry(MeterProvider(readers, resource, shutdown_on_exit=False), tracers, registry)


def exports(signal: Literal["metrics", "traces"], environ: Mapping[str, str]) -> bool:
    """Whether the standard variables ask for OTLP push of this signal."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp") != "otlp":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    return any(environ.get(endpoint) for endpoint in endpoints)


def _tracers(
    resource: Resource, environ: Mapping[str, str], spans: SpanExporter | None
) -> TracerProvider | None:
    processors: list[SpanProcessor] = [SimpleSpanProcessor(spans)] if spans else []
    if exports("traces", environ):
        processors.append(BatchSpanProcessor(OTLPSpanExporter()))
    if not processors:
        return None
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    for processor in processors:
        tracers.add_span_processor(processor)
    return tracers
