"""Two workers send the attempts on one document to a collector, by the standard's variables and protocol."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from testing.server import free_port
from tests.cli.program import Program, bill


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A server of OTLP over HTTP: its address, and what it was sent."""
    sent: list[ExportTraceServiceRequest] = []

    class Collecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            sent.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Not on the tests' standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collecting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_two_workers_send_one_trace_of_a_document(program: Program, tmp_path: Path) -> None:
    paper = bill(tmp_path, 1)
    program("add", paper)
    with collector() as (address, sent):
        program.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = address
        program("run", "--once", "--steps", "ocr,classify")
        program("run", "--once")
    with psycopg.connect(program.environment["ALFRD_DATABASE_URL"]) as connection:
        (document,) = connection.execute("select id from alfrd.documents").fetchone() or (None,)
    assert document is not None
    steps: dict[str, set[str]] = {}
    for request in sent:
        for resource in request.resource_spans:
            facts = {each.key: each.value.string_value for each in resource.resource.attributes}
            assert facts["service.name"] == "alfrd-events"
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                if span.trace_id == document.bytes:
                    steps.setdefault(facts["service.instance.id"], set()).add(span.name)
    first, second = sorted(steps.values(), key=len)
    assert first == {"ocr", "classify"}
    assert second == {"score_classification", "summarize", "score_summary", "file", "extract"}
    assert paper.name.encode() not in b"".join(request.SerializeToString() for request in sent)


def test_a_collector_that_is_away_delays_no_document_and_is_logged_once(
    program: Program, tmp_path: Path
) -> None:
    program("add", bill(tmp_path, 1), bill(tmp_path, 2))
    program.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
    }
    done = program("run", "--once")
    assert "2 completed" in done.stdout
    assert done.stderr.count("traces could not be sent") == 1
