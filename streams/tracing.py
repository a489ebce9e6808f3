"""Traces: the way of an item from poll to notify, told to a collector that speaks OpenTelemetry's OTLP.

Off unless an address is given and `wirewatch[otel]` is installed; nothing of OpenTelemetry is imported before.

    poll ──▶ enrich ──▶ stories ──▶ alerts ──▶ notify        one trace; every step hangs on the one before
        traceparent    …           …          …              a header of each record, and never two of them

A stage begins a step with each record, and writes the step's `traceparent` on all that it makes of the record.
With tracing off what came in is passed on as it was, so that the trace of whoever wrote the record lives through
processes that know nothing of it. `tracestate` is not passed on.

Steps tell ids, topics, partitions and offsets, and of an error its type. Keys stay out, for those of mentions are
figures, and so do texts. A collector that is away costs its spans and nothing else: they wait in a bounded queue
and are sent from a thread.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from streams import __version__
from streams.config import Settings
from streams.wire import traceparent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Span, Tracer

__all__ = ["TRACED", "Step", "first_steps", "follow", "tracing", "tracing_to"]

log = structlog.get_logger(__name__)

TRACED = ("poll", "enrich", "stories", "alerts", "notify")
"""Processes on an item's way; the desk and the archive stand beside it."""
_EXPORT_SECONDS = 5.0
"""For one try and what is tried again of it; a collector stands nearby."""
_END_SECONDS = 1.0
"""For the last spans; the process does not wait longer, for it has promised to end soon."""

_tracer: Tracer | None = None
"""Of this process; None while tracing is off. Not OpenTelemetry's global one: other libraries would find that,
and begin to write headers of their own."""


class Step:
    """What one stage does with one record."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, trace: bytes | None, span: Span | None = None) -> None:
        self.traceparent = trace
        """For what is made of the record; None if it belongs to no trace."""
        self._span = span

    def fail(self, error: BaseException) -> None:
        """Say that the record could not be processed."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(StatusCode.ERROR)  # without a text, which might be the item's

    def end(self) -> None:
        """Say that all that was made of the record is safe."""
        if self._span is not None:
            self._span.end()


def follow(stage: str, record: Any, **ids: str) -> Step:
    """Begin a step with a record that was read.

    Args:
        stage: who begins it.
        record: Faust's or aiokafka's, with topic, partition, offset and headers.
        ids: what else to tell, such as `receiver`.
    """
    trace = traceparent(getattr(record, "headers", None) or ())
    if _tracer is None:
        return Step(trace)
    place = {
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
    }
    return _begin(_tracer, stage, trace, "CONSUMER", place, ids)


@contextlib.contextmanager
def first_steps(stage: str, topic: str, item_ids: Iterable[str]) -> Iterator[Mapping[str, bytes]]:
    """Begin a trace for each item that is sent inside the block.

    Args:
        stage: who sends.
        topic: where to.
        item_ids: of the items.

    Yields:
        `traceparent` by item_id; nothing while tracing is off.
    """
    if _tracer is None:
        yield {}
        return
    place = {"messaging.destination.name": topic}
    steps = {
        item_id: _begin(_tracer, stage, None, "PRODUCER", place, {"item_id": item_id})
        for item_id in item_ids
    }
    try:
        yield {item_id: step.traceparent for item_id, step in steps.items() if step.traceparent}
    except BaseException as error:
        for step in steps.values():
            step.fail(error)
        raise
    finally:
        for step in steps.values():
            step.end()


def _begin(
    tracer: Tracer,
    stage: str,
    trace: bytes | None,
    kind: str,
    place: Mapping[str, str | int],
    ids: Mapping[str, str],
) -> Step:
    from opentelemetry import trace as otel
    from opentelemetry.context import Context

    parent = Context()  # of its own, for another may be current in this task
    if trace is not None:
        _, trace_id, span_id, flags = (int(part, 16) for part in trace.split(b"-"))
        context = otel.SpanContext(trace_id, span_id, True, otel.TraceFlags(flags))
        parent = otel.set_span_in_context(otel.NonRecordingSpan(context), parent)
    attributes = {
        "messaging.system": "kafka",
        **place,
        **{f"wirewatch.{name}": value for name, value in ids.items()},
    }
    span = tracer.start_span(stage, parent, otel.SpanKind[kind], attributes)
    own = span.get_span_context()
    if not own.is_valid:  # the SDK is switched off by OTEL_SDK_DISABLED
        return Step(trace)
    written = f"00-{own.trace_id:032x}-{own.span_id:016x}-{int(own.trace_flags):02x}"
    return Step(written.encode("ascii"), span)


@contextlib.contextmanager
def tracing(process: str, settings: Settings) -> Iterator[None]:
    """Trace what this process does inside the block; without an address, do nothing.

    Args:
        process: its name; those that are not `TRACED` are left alone.
        settings: `traces_url`. What OpenTelemetry's own variables say counts too: headers, certificates,
            sampling, size and pace of the queue.
    """
    if not settings.traces_url or process not in TRACED:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("no_traces", reason="OpenTelemetry is missing: pip install 'wirewatch[otel]'")
        yield
        return
    # It repeats itself; `_Exporter` tells what matters, and without the address.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    host = urlsplit(settings.traces_url).hostname or ""
    exporter = _Exporter(OTLPSpanExporter(settings.traces_url, timeout=_EXPORT_SECONDS), host)
    with tracing_to(process, BatchSpanProcessor(exporter)):  # type: ignore[arg-type]  # no base before it is imported
        log.info("tracing", host=host)
        yield


@contextlib.contextmanager
def tracing_to(process: str, processor: Any) -> Iterator[None]:
    """Hand the spans of this block to OpenTelemetry's span processor; for tests, and for programs around ours.

    Args:
        process: name of the process.
        processor: is shut down at the end, in a second or without its last spans.
    """
    global _tracer
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    resource = Resource.create(
        {"service.name": f"wirewatch-{process}", "service.version": __version__}
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    before, _tracer = _tracer, provider.get_tracer("wirewatch", __version__)
    try:
        yield
    finally:
        _tracer = before
        ending = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(_END_SECONDS)


class _Exporter:
    """OpenTelemetry's exporter, which tells once that the collector is away, and once that it is back."""

    def __init__(self, exporter: SpanExporter, host: str) -> None:
        self._exporter, self._host = exporter, host
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; blocks its thread until they are sent or given up."""
        result = self._exporter.export(spans)
        away = result.name != "SUCCESS"
        if away and not self._away:
            log.warning("traces_lost", host=self._host, reason="the collector does not take them")
        elif self._away and not away:
            log.info("traces_taken_again", host=self._host)
        self._away = away
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return True
