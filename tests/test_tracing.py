"""One item, one trace: each step hangs on the one before, and a record never has two `traceparent`."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from streams.agents.acking import AckingPipeline, Output, Received
from streams.broker.topics import ALERTS, DEAD_LETTERS, ENRICHED, ITEMS, MENTIONS
from streams.config import Settings
from streams.errors import BrokerError, ConfigError, RecordError, SinkError
from streams.feeds.publish import publish_items
from streams.sinks.dead_letters import send_dead_letter
from streams.sinks.lanes import Delivery, Lane, Message
from streams.testing import make_item
from streams.tracing import first_steps, follow, tracing, tracing_to
from streams.wire import TRACE_HEADER, dead_letter, headers_for, traceparent, with_trace
from tests.brokers import free_port
from tests.desk.samples import make_alert

ROOT = Path(__file__).parents[1]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FOREIGN = f"00-{TRACE}-{SPAN}-01".encode()
OTHER = f"00-{TRACE[::-1]}-{SPAN}-01".encode()

NAMES = st.sampled_from([TRACE_HEADER, "Traceparent", "record", "tracestate", ""])
HEADERS = st.lists(st.tuples(NAMES, st.one_of(st.binary(max_size=60), st.just(FOREIGN))))


def traces_of(headers: Any) -> list[bytes]:
    """All that a reader might take for the header; Kafka's names have a case."""
    return [value for name, value in headers if name == TRACE_HEADER]


# --- the header ------------------------------------------------------------------------------------


@given(HEADERS, st.sampled_from([None, FOREIGN, OTHER]))
def test_a_record_has_one_traceparent_at_most_whatever_its_headers_were(headers, trace):
    written = with_trace(headers, trace)
    assert traces_of(written) == ([trace] if trace else [])
    assert [h for h in written if h[0] != TRACE_HEADER] == [
        h for h in headers if h[0] != TRACE_HEADER
    ]
    assert with_trace(written, trace) == written
    assert traceparent(written) == trace


@given(HEADERS)
def test_what_is_passed_on_is_one_or_none(headers):
    assert len(traces_of(with_trace(headers, traceparent(headers)))) <= 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([FOREIGN], FOREIGN),
        ([FOREIGN, FOREIGN], FOREIGN),
        ([FOREIGN, OTHER], None),  # nobody can tell which
        ([b""], None),
        ([None], None),  # Kafka knows headers without a value
        ([FOREIGN.upper()], None),
        ([FOREIGN + b"-x"], None),
        ([b"ff" + FOREIGN[2:]], None),
        ([FOREIGN.replace(TRACE.encode(), b"0" * 32)], None),
        ([FOREIGN.replace(SPAN.encode(), b"0" * 16)], None),
        ([b"x" * 1_000_000], None),
    ],
)
def test_which_trace_a_record_belongs_to(values, expected):
    assert (
        traceparent([("record", b"Item"), *(("traceparent", value) for value in values)])
        == expected
    )


def test_a_dead_letter_has_the_header_once():
    _, _, headers = dead_letter(
        b"",
        b"",
        topic=ITEMS,
        partition=0,
        offset=0,
        stage="s",
        error=RecordError("no"),
        trace=FOREIGN,
    )
    assert traces_of(headers) == [FOREIGN]


# --- a stream in memory ------------------------------------------------------------------------------


class Broker:
    """Takes what aiokafka's producer and Faust's topics send; headers as they would lie in Kafka."""

    def __init__(self) -> None:
        self.log: dict[str, list[Any]] = {}

    async def send(self, topic, value=None, key=b"", headers=(), **_: Any) -> Any:
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        log = self.log.setdefault(topic, [])
        log.append(
            SimpleNamespace(
                topic=topic,
                partition=0,
                offset=len(log),
                timestamp=1.0,
                key=key,
                value=value,
                headers=pairs,
            )
        )
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def send_and_wait(self, topic, value=None, **fields: Any) -> None:
        await (await self.send(topic, value, **fields))

    def topic(self, name: str) -> Any:
        """As Faust sees it."""

        async def send(*, key, value, partition=None, timestamp=None, headers=None):
            return await self.send(name, value, key, headers or {})

        return SimpleNamespace(send=send)


class Event:
    def __init__(self, message: Any) -> None:
        self.message, self.acked = message, False

    def ack(self) -> None:
        self.acked = True


class Pass:
    """A stage that writes each record once more; it refuses b"bad", and crashes at b"crash"."""

    overlap = False
    batch_size = 4
    depth = 2

    def __init__(self, name: str, source: str, output: str) -> None:
        self.name = name
        self.sources: tuple[str, ...] = (source,)
        self.outputs: tuple[str, ...] = (output,)

    async def start(self) -> None: ...
    async def watch(self) -> None: ...
    async def stop(self) -> None: ...
    def reset(self) -> None: ...
    def refused(self, record: Received) -> None: ...

    async def process(self, batch):
        return [self._one(record) for record in batch]

    def _one(self, record):
        if record.value == b"bad":
            return RecordError("not an Item: Ada Example was here")
        headers = (*headers_for(type(make_item())), ("traceparent", OTHER))  # a stage that errs
        output = Output(
            topic=self.outputs[0], key=b"Q1", value=record.value, timestamp=1.0, headers=headers
        )
        return (output, output)


async def run_stage(broker: Broker, stage: Pass) -> None:
    topics = {name: broker.topic(name) for name in (*stage.outputs, DEAD_LETTERS)}
    pipeline = AckingPipeline(stage, topics, linger_seconds=0.01)
    await pipeline.start()
    events = [Event(message) for message in broker.log[stage.sources[0]]]
    for event in events:
        await pipeline.put(event)
    async with asyncio.timeout(5):
        while not all(event.acked for event in events):
            await asyncio.sleep(0.005)
    await pipeline.stop()


async def notify(broker: Broker, *failures: SinkError) -> None:
    """Deliver what is in `news.alerts`."""
    left = list(failures)

    async def tell(alerts):
        if left:
            raise left.pop(0)

    async def give_up(delivery, error, attempts):
        await send_dead_letter(broker, delivery.record, stage="notify:desk", error=error)

    lane = Lane(
        "desk", tell=tell, give_up=give_up, done=lambda d: None, wanted=lambda d: True,
        sleep=lambda seconds: asyncio.sleep(0),
    )  # fmt: skip
    for record in broker.log[ALERTS]:
        await lane.put(Message((Delivery(make_alert("a"), record),)))
    running = asyncio.create_task(lane.run())
    for _ in range(200):
        await asyncio.sleep(0)
    running.cancel()


async def run_all(broker: Broker, *values: bytes) -> None:
    if values:
        for value in values:
            await broker.send(ITEMS, value)
    else:
        await publish_items(broker, [make_item(number=1), make_item(number=2)])
    await run_stage(broker, Pass("enrich", ITEMS, ENRICHED))
    if ENRICHED in broker.log:
        await run_stage(broker, Pass("stories", ENRICHED, MENTIONS))
        await run_stage(broker, Pass("alerts", MENTIONS, ALERTS))
        await notify(broker)


@pytest.fixture
def spans():
    """Traces on, and what has been told of them."""
    exporting = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    with tracing_to("test", exporting.SimpleSpanProcessor(exporter)):
        yield exporter.get_finished_spans


def trace_id(header: bytes) -> str:
    return header.split(b"-")[1].decode()


async def test_the_way_of_an_item_is_one_trace_from_poll_to_notify(spans):
    broker = Broker()
    await run_all(broker)
    told = spans()
    by_trace: dict[int, list[Any]] = {}
    for span in told:
        by_trace.setdefault(span.context.trace_id, []).append(span)
    assert len(by_trace) == 2  # one for each item
    for steps in by_trace.values():
        known = {span.context.span_id: span for span in steps}
        chains = set()
        for span in steps:
            chain = [span.name]
            while span.parent is not None:
                span = known[span.parent.span_id]
                chain.append(span.name)
            chains.add(" < ".join(chain))
        assert chains == {
            "poll",
            "enrich < poll",
            "stories < enrich < poll",
            "alerts < stories < enrich < poll",
            "notify < alerts < stories < enrich < poll",
        }


async def test_every_record_has_the_header_once_and_it_is_that_of_the_step_that_wrote_it(spans):
    broker = Broker()
    await run_all(broker)
    written_by = {span.context.span_id: span.name for span in spans()}
    stages = {ITEMS: "poll", ENRICHED: "enrich", MENTIONS: "stories", ALERTS: "alerts"}
    for topic, stage in stages.items():
        for record in broker.log[topic]:
            (header,) = traces_of(record.headers)
            assert written_by[int(header.split(b"-")[2], 16)] == stage


async def test_a_trace_that_a_record_came_with_goes_on(spans):
    broker = Broker()
    await broker.send(ITEMS, b"{}", headers=[("traceparent", FOREIGN), ("traceparent", FOREIGN)])
    await run_stage(broker, Pass("enrich", ITEMS, ENRICHED))
    (span,) = spans()
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == SPAN
    assert {trace_id(traces_of(r.headers)[0]) for r in broker.log[ENRICHED]} == {TRACE}


async def test_who_does_not_want_its_trace_recorded_is_heard(spans):
    broker = Broker()
    await broker.send(ITEMS, b"{}", headers=[("traceparent", FOREIGN[:-2] + b"00")])
    await run_stage(broker, Pass("enrich", ITEMS, ENRICHED))
    assert spans() == ()
    (header,) = traces_of(broker.log[ENRICHED][0].headers)
    assert header.startswith(FOREIGN[:36])
    assert header.endswith(b"-00")


async def test_steps_tell_ids_and_places_and_nothing_of_the_news(spans):
    broker = Broker()
    await run_all(broker, b"bad", b"Ada Example is news")
    told = spans()
    names = {
        "messaging.system", "messaging.destination.name", "messaging.destination.partition.id",
        "messaging.kafka.offset", "wirewatch.item_id", "wirewatch.receiver", "error.type",
    }  # fmt: skip
    assert {name for span in told for name in span.attributes} <= names
    everything = "".join(span.to_json() for span in told)
    assert "Ada" not in everything
    assert "Q1" not in everything
    (failed,) = [span for span in told if not span.status.is_unset]
    assert failed.attributes["error.type"] == "RecordError"
    assert failed.status.description is None


async def test_a_dead_letter_belongs_to_the_try_that_failed(spans):
    broker = Broker()
    await broker.send(ITEMS, b"bad", headers=[("traceparent", FOREIGN)])
    await run_stage(broker, Pass("enrich", ITEMS, ENRICHED))
    (span,) = spans()
    (header,) = traces_of(broker.log[DEAD_LETTERS][0].headers)
    assert header == f"00-{TRACE}-{span.context.span_id:016x}-01".encode()


async def test_a_delivery_that_is_given_up_says_so_and_keeps_the_trace(spans):
    broker = Broker()
    await broker.send(ALERTS, b"{}", headers=[("traceparent", FOREIGN)])
    await notify(broker, SinkError("refused", retry_after_seconds=0.0), SinkError("never"))
    (span,) = spans()
    assert (span.name, span.attributes["wirewatch.receiver"]) == ("notify", "desk")
    assert span.attributes["error.type"] == "SinkError"
    assert traces_of(broker.log[DEAD_LETTERS][0].headers) == [FOREIGN]


def test_a_poll_whose_items_are_not_acknowledged_says_so(spans):
    with pytest.raises(BrokerError), first_steps("poll", ITEMS, ["a", "b"]):
        raise BrokerError("gone")
    assert [span.attributes["error.type"] for span in spans()] == ["BrokerError"] * 2


# --- off, and trouble ----------------------------------------------------------------------------------


async def test_with_traces_off_a_foreign_trace_is_passed_on_as_it_came_and_none_is_begun():
    broker = Broker()
    await broker.send(ITEMS, b"{}", headers=[("traceparent", FOREIGN)])
    await broker.send(ITEMS, b"bad", headers=[("traceparent", FOREIGN)])
    await publish_items(broker, [make_item()])
    await run_stage(broker, Pass("enrich", ITEMS, ENRICHED))
    assert [traces_of(record.headers) for record in broker.log[ENRICHED]] == [[FOREIGN]] * 2 + [
        []
    ] * 2
    assert traces_of(broker.log[DEAD_LETTERS][0].headers) == [FOREIGN]


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_with_traces_off_nothing_of_opentelemetry_is_loaded():
    ended = run(
        "import sys\n"
        "import streams.cli, streams.agents.worker, streams.feeds.polling, streams.sinks.notify\n"
        "from streams.config import Settings\n"
        "from streams.tracing import follow, tracing\n"
        "with tracing('enrich', Settings()):\n"
        "    follow('enrich', None).end()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    assert (ended.stdout, ended.returncode) == ("[]\n", 0), ended.stderr


def test_without_the_extra_a_process_says_so_and_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with (
        capture_logs() as logs,
        tracing("enrich", Settings(traces_url="http://127.0.0.1:1/v1/traces")),
    ):
        assert follow("enrich", SimpleNamespace(headers=None)).traceparent is None
    assert [entry["event"] for entry in logs] == ["no_traces"]
    assert "wirewatch[otel]" in logs[0]["reason"]


async def test_a_collector_that_is_away_costs_neither_time_nor_records(monkeypatch):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    settings = Settings(traces_url=f"http://ada:pw@127.0.0.1:{free_port()}/v1/traces")
    broker = Broker()
    for number in range(200):
        await broker.send(ITEMS, str(number).encode())
    with capture_logs() as logs:
        began = time.monotonic()
        with tracing("enrich", settings):
            await run_stage(broker, Pass("enrich", ITEMS, ENRICHED))
            assert time.monotonic() - began < 2.0
        assert time.monotonic() - began < 4.0
        await asyncio.sleep(0.2)  # its thread gives up soon after
    assert len(broker.log[ENRICHED]) == 400
    assert [entry["event"] for entry in logs] in (["tracing"], ["tracing", "traces_lost"])
    assert "pw" not in str(logs)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, ""),
        ({"WIREWATCH_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp/"}, "https://c/otlp/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/t"}, "https://c/t"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, ""),  # for gRPC
        (
            {"WIREWATCH_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://b"},
            "http://a/v1/traces",
        ),
    ],
)
def test_where_traces_go(variables, url):
    assert Settings.from_environment(variables).traces_url == url


def test_an_endpoint_of_ours_that_is_no_url_is_told():
    with pytest.raises(ConfigError, match="WIREWATCH_OTLP_ENDPOINT"):
        Settings.from_environment({"WIREWATCH_OTLP_ENDPOINT": "collector:4318"})
