"""Traces: all attempts on a document are one, an application's goes on, and strangers' words stay here."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from alfrd_events import tracing
from alfrd_events.clients.calls import Call, Calls, Reply
from alfrd_events.db.database import Database
from alfrd_events.errors import Permanent, Transient
from alfrd_events.model import Task
from alfrd_events.model.inputs import SummarizeInput
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Step, Tools
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
STEPS = ["ocr", "classify", "score_classification", "summarize", "score_summary", "file", "extract"]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What is traced meanwhile."""
    exporter = InMemorySpanExporter()
    provider: TracerProvider = tracing.provider_with("test", {})
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing.to(provider):
        yield exporter


async def _work(db: Harness, **steps: Step) -> None:
    async with Database(db.database.url) as database:
        known = {**BUILT_IN, **steps}
        await run_worker(database, known, noop_tools(), options(database.url, until_quiet=True))


async def _insert(db: Harness, filename: str = "bill.txt", owner: str = "", **metadata: object) -> Any:
    return await db.one(
        "insert into alfrd.documents (filename, content, owner, metadata) values (%s, 'text', %s, %s) returning id",
        filename,
        owner,
        json.dumps(metadata),
    )


def _of_documents(spans: InMemorySpanExporter) -> Sequence[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if "alfrd.document.id" in (span.attributes or {})]


def _fact(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {}).get(f"alfrd.{name}")


def _trace(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


async def test_the_attempts_on_a_document_are_one_trace_with_its_number(
    db: Harness, spans: InMemorySpanExporter
) -> None:
    one, other = await _insert(db, "a.txt"), await _insert(db, "b.txt")
    await _work(db)
    for document in (one, other):
        its = [span for span in _of_documents(spans) if _fact(span, "document.id") == str(document)]
        assert sorted(span.name for span in its) == sorted(STEPS)
        assert {_trace(span) for span in its} == {document.hex}
        assert {(_fact(span, "attempt"), _fact(span, "outcome")) for span in its} == {(1, "done")}


async def test_an_applications_trace_goes_on(db: Harness, spans: InMemorySpanExporter) -> None:
    await _insert(db, traceparent=GOOD)
    await _work(db)
    assert len(_of_documents(spans)) == len(STEPS)
    for span in _of_documents(spans):
        assert _trace(span) == TRACE
        assert span.parent is not None
        assert f"{span.parent.span_id:016x}" == SPAN


async def test_an_application_that_does_not_record_is_followed(
    db: Harness, spans: InMemorySpanExporter
) -> None:
    await _insert(db, traceparent=GOOD[:-1] + "0")
    await _work(db)
    assert _of_documents(spans) == []


WRONG: list[object] = [
    "",
    GOOD.upper(),
    GOOD + "\n",
    " " + GOOD,
    GOOD + "-more",
    GOOD.replace(TRACE, "0" * 32),
    GOOD.replace(SPAN, "0" * 16),
    "ff" + GOOD[2:],
    "٠٠" + GOOD[2:],
    GOOD[:-1],
    "01" + GOOD[2:] + "-" + "x" * 600,
    "\x1b[31m" + GOOD,
    7,
    1e308,
    True,
    None,
    [GOOD],
    {"traceparent": GOOD},
]


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_not_of_the_standards_form_is_passed_by(text: object) -> None:
    assert tracing.valid_traceparent(text) is None


def test_a_later_version_of_the_standard_may_add_to_it() -> None:
    assert tracing.valid_traceparent("01" + GOOD[2:] + "-more") == (int(TRACE, 16), int(SPAN, 16), 1)


async def test_a_wrong_traceparent_changes_nothing(db: Harness, spans: InMemorySpanExporter) -> None:
    documents = [await _insert(db, f"{number}.txt", traceparent=text) for number, text in enumerate(WRONG)]
    await _work(db)
    assert {await db.status_of(document) for document in documents} == {"completed"}
    assert {_trace(span) for span in _of_documents(spans)} == {document.hex for document in documents}


async def test_no_name_no_owner_and_no_message_leaves_with_a_span(
    db: Harness, spans: InMemorySpanExporter
) -> None:
    async def refuse(given: SummarizeInput, tools: Tools) -> Any:
        raise Permanent(f"{given.document.filename}: secret cause")

    document = await _insert(db, "secret-name.txt", owner="secret-owner", note="secret-note")
    await _work(db, summarize=Step("summarize", refuse, SummarizeInput))
    assert await db.status_of(document) == "failed"
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "secret" not in told
    failed = [span for span in _of_documents(spans) if _fact(span, "outcome") == "failed"]
    assert [(span.name, span.status.status_code.name) for span in failed] == [("summarize", "ERROR")]


async def test_a_call_to_a_provider_is_below_its_attempt(db: Harness, spans: InMemorySpanExporter) -> None:
    document = await _insert(db)
    task = Task(1, "classify", "document", document, 1, 5)
    answers: list[Reply | Transient] = [
        Transient("secret: refused"),
        Reply({}, input_tokens=7, output_tokens=3),
    ]

    async def send() -> Reply:
        answer = answers.pop(0)
        if isinstance(answer, Transient):
            raise answer
        return answer

    async def at_once(seconds: float) -> None:
        """Nothing is waited for."""

    with tracing.attempt(task) as span:
        await Calls(sleep=at_once).make(Call("bedrock", "Converse", "nova"), send, dict)
        span.note(outcome="done")
    refused, answered, attempt = spans.get_finished_spans()
    assert attempt.context is not None
    for call in (refused, answered):
        assert (call.name, call.kind.name, _trace(call)) == ("bedrock Converse", "CLIENT", document.hex)
        assert call.parent is not None
        assert call.parent.span_id == attempt.context.span_id
    assert refused.attributes == {
        "alfrd.provider": "bedrock",
        "alfrd.operation": "Converse",
        "alfrd.model": "nova",
        "alfrd.error": "Transient",
    }
    assert (_fact(answered, "input_tokens"), _fact(answered, "output_tokens")) == (7, 3)


@pytest.mark.parametrize(
    ("environment", "asks"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_SERVICE_NAME": "papers"}, False),
    ],
)
def test_the_standards_variables_say_whether(environment: dict[str, str], asks: bool) -> None:
    assert tracing.wanted(environment) is asks


def test_an_exporter_that_is_not_installed_is_named_and_nothing_is_traced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING), tracing.traced("test", {"OTEL_TRACES_EXPORTER": "nowhere"}):
        assert tracing.attempt(Task(1, "ocr", "document", UUID(int=1), 1, 5)) is tracing._OFF
    (record,) = caplog.records
    assert "no exporter 'nowhere' is installed" in str(record.__dict__["facts"]["error"])
