"""Tell a tracing system what each attempt and each paid call took: OpenTelemetry, with the extra ``otel``.

All attempts of all workers on a document are one trace. Its number is the document's id, so that no worker needs to
tell another; where the application that inserted the document has put its own W3C context into
``documents.metadata`` (``traceparent``), the attempts go on with the application's trace. That text is a stranger's: it
is believed if it is exactly of the standard's form, and passed by if not.

A span has ids, steps, counts and outcomes: no name, no text, no error message, no owner.

Off, and nearly free, until :func:`traced` finds that the standard's variables (``OTEL_*``) ask for it.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from alfrd_events.observe import Log

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

    from alfrd_events.model import Task

log = Log("tracing")

_ASKING = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
_LONGEST_TRACEPARENT = 512
_QUIET_SECONDS = 300
"""An exporter that cannot send is logged so often."""
_LAST_SECONDS = 5
"""The longest that the last spans may take at the end."""


class Span(Protocol):
    """A stretch of work that is told of when it ends."""

    def note(self, is_error: bool = False, **facts: str | int) -> None:
        """Add facts to it, ``step="ocr"`` as ``alfrd.step``; they may come at any time before its end."""
        ...


class _Off:
    """The span of those who trace nothing."""

    def __enter__(self) -> _Off:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing ends."""

    def note(self, is_error: bool = False, **facts: str | int) -> None:
        """Nothing is kept."""


_OFF = _Off()


class _On:
    """A span of OpenTelemetry."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def note(self, is_error: bool = False, **facts: str | int) -> None:
        """Set them as attributes."""
        from opentelemetry.trace import StatusCode

        self._span.set_attributes({f"alfrd.{name}": value for name, value in facts.items()})
        if is_error:
            self._span.set_status(StatusCode.ERROR)


class _Tracing:
    """What the process traces with; ``None``: it does not."""

    tracer: Tracer | None = None


_trace_id: ContextVar[int] = ContextVar("number of the trace that begins", default=0)


def attempt(task: Task, metadata: Mapping[str, Any] | None = None) -> AbstractContextManager[Span]:
    """Begin the span of one attempt; what is called in it is below it.

    :param metadata: of the document, for the trace that it came with.
    """
    return _OFF if _Tracing.tracer is None else _attempt(_Tracing.tracer, task, metadata)


def call(provider: str, operation: str, model: str) -> AbstractContextManager[Span]:
    """Begin the span of one request to a provider."""
    return _OFF if _Tracing.tracer is None else _call(_Tracing.tracer, provider, operation, model)


@contextmanager
def _attempt(tracer: Tracer, task: Task, metadata: Mapping[str, Any] | None) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind

    token = _trace_id.set(task.subject_id.int)
    try:
        span = tracer.start_span(task.step, parent_of(metadata), SpanKind.CONSUMER)
    finally:
        _trace_id.reset(token)
    with _current(span) as made:
        span.set_attribute(f"alfrd.{task.subject_type}.id", str(task.subject_id))
        made.note(step=task.step, attempt=task.attempt, woken_by=task.woken_by)
        yield made


@contextmanager
def _call(tracer: Tracer, provider: str, operation: str, model: str) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind

    with _current(tracer.start_span(f"{provider} {operation}", kind=SpanKind.CLIENT)) as made:
        made.note(provider=provider, operation=operation, model=model)
        yield made


@contextmanager
def _current(span: Any) -> Iterator[Span]:
    """What an exception says stays out of it: messages name files."""
    from opentelemetry.trace import use_span

    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        yield _On(span)


def parent_of(metadata: Mapping[str, Any] | None) -> Context:
    """The span that an application names in ``traceparent``; an empty context if it names none that is valid."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    found = valid_traceparent(metadata.get("traceparent")) if metadata else None
    if found is None:
        return Context()
    trace, span, flags = found
    there = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags & TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(there), Context())


def valid_traceparent(text: object) -> tuple[int, int, int] | None:
    """Trace, span and flags of a ``traceparent``; ``None`` if it is not exactly of the form that W3C gives it."""
    if not isinstance(text, str) or len(text) > _LONGEST_TRACEPARENT:
        return None
    parts = _TRACEPARENT.fullmatch(text)
    if parts is None or (parts[1] == "00" and parts[5] is not None):
        return None
    trace, span = int(parts[2], 16), int(parts[3], 16)
    return (trace, span, int(parts[4], 16)) if trace and span else None


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the standard's variables ask for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    chosen = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    return chosen != "none" and any(environment.get(name, "").strip() for name in _ASKING)


@contextmanager
def traced(version: str, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Trace what runs meanwhile, if the environment asks for it; at the end send what is left.

    Missing packages and unknown exporters are logged, and nothing is traced: a cluster may set the variables for all
    its programs.
    """
    if not wanted(environment):
        yield
        return
    try:
        provider = _provider(version, environment)
    except (ImportError, LookupError, ValueError) as error:
        log.warning("OTEL_… asks for traces, and none are sent", error=error)
        yield
        return
    with to(provider, version):
        yield


@contextmanager
def to(provider: TracerProvider, version: str = "") -> Iterator[None]:
    """Trace by this provider meanwhile, and shut it down; a collector that is away does not hold up the end."""
    before, _Tracing.tracer = _Tracing.tracer, provider.get_tracer("alfrd_events", version)
    try:
        yield
    finally:
        _Tracing.tracer = before
        ending = threading.Thread(target=provider.shutdown, name="last traces", daemon=True)
        ending.start()
        ending.join(_LAST_SECONDS)


def provider_with(version: str, environment: Mapping[str, str]) -> TracerProvider:
    """A provider whose traces have the numbers of their documents; it sends nowhere yet."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return _trace_id.get() or super().generate_trace_id()

    facts = {"service.version": version, "service.instance.id": str(uuid4())}
    is_named = "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not is_named and not environment.get("OTEL_SERVICE_NAME"):
        facts["service.name"] = "alfrd-events"
    # Its own exit handler would wait for a collector that is away.
    return TracerProvider(resource=Resource.create(facts), id_generator=Ids(), shutdown_on_exit=False)


def _provider(version: str, environment: Mapping[str, str]) -> TracerProvider:
    """:raise ImportError: the extra is not installed. :raise LookupError: no such exporter is."""
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImportError(f"{error.name} is not installed: pip install 'alfrd-events[otel]'") from error
    logger = logging.getLogger("opentelemetry")
    logger.handlers[:], logger.propagate = [_Seldom()], False
    provider = provider_with(version, environment)
    for name in (environment.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp").split(","):
        provider.add_span_processor(BatchSpanProcessor(_exporter(name.strip(), environment)))
    return provider


def _exporter(name: str, environment: Mapping[str, str]) -> Any:
    if name == "otlp":
        protocol = (
            environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
            or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
            or "http/protobuf"
        )
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    found = entry_points(group="opentelemetry_traces_exporter", name=name)
    if not found:
        raise LookupError(
            f"no exporter {name!r} is installed; pip install opentelemetry-exporter-{name.replace('_', '-')}"
        )
    return next(iter(found)).load()()


class _Seldom(logging.Handler):
    """A collector that is away is logged once in five minutes, not with each batch."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._last = -float(_QUIET_SECONDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as ours, unless one was logged lately."""
        if self._clock() - self._last >= _QUIET_SECONDS:
            self._last = self._clock()
            log.warning("traces could not be sent; further ones are not logged", error=record.getMessage())
