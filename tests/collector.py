"""An OpenTelemetry collector: takes traces over OTLP/HTTP, as the services send them, and keeps the spans."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace: str
    parent: str
    id: str


class Collector:
    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.port = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, body: bytes) -> None:
        with self._changed:
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self._changed.notify_all()

    def find(self, wanted: Callable[[Span], bool], seconds: float = 30) -> Span:
        """The first such span, as soon as it has come."""

        def found() -> Span | None:
            return next(filter(wanted, self.spans), None)

        with self._changed:
            assert self._changed.wait_for(found, seconds), self.spans
            span = found()
        assert span is not None
        return span


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    service=attributes["service.name"],
                    name=span.name,
                    trace=span.trace_id.hex(),
                    parent=span.parent_span_id.hex(),
                    id=span.span_id.hex(),
                )


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Requests(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                collector.take(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class' name
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        collector.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
