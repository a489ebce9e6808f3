"""The real processes tell a collector the way of each item, one trace from poll to alert."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streams.broker.topics import ALERTS, ENRICHED, ITEMS, MENTIONS
from streams.records import Feed
from tests.e2e.stream import Publisher, Stream
from tests.feeds.fakes import rss

pytestmark = [pytest.mark.e2e, pytest.mark.embedded, pytest.mark.timeout(180)]

TITLES = [
    f"{n} Mark Zuckerberg presents plan number {n} for artificial intelligence" for n in (1, 2)
]
STAGES = ["poll", "enrich", "stories", "alerts"]


@pytest.fixture
def collector():
    """Takes traces as OTLP over HTTP: its address, and the spans by id."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    spans = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = service.ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    spans.update({span.span_id: span for span in scope.spans})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()


async def test_one_trace_from_poll_to_alert(embedded_broker, collector, monkeypatch):
    address, spans = collector
    monkeypatch.setenv("WIREWATCH_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")  # what is told is told at the end
    publisher = Publisher({"feed": (rss(*TITLES), "application/rss+xml")})
    async with publisher, Stream(embedded_broker, *STAGES) as stream:
        await stream.add_feeds([Feed(feed_id="morning-post", url=f"{publisher.url}/feed")])
        async with asyncio.timeout(120):
            while len(await stream.records(ALERTS)) < 2:
                await asyncio.sleep(0.2)
        await stream.settle()
        records = {
            topic: await stream.records(topic) for topic in (ITEMS, ENRICHED, MENTIONS, ALERTS)
        }
    assert stream.notes == []
    for stage, written in zip(STAGES, records.values(), strict=True):
        for record in written:
            (header,) = [value for name, value in record.headers if name == "traceparent"]
            _, trace, span, _ = header.decode().split("-")
            told = spans[bytes.fromhex(span)]
            assert (told.name, told.trace_id.hex()) == (stage, trace)
            if stage != "poll":
                before = STAGES[STAGES.index(stage) - 1]
                assert spans[told.parent_span_id].name == before
    assert len(records[ITEMS]) == 2
    assert {span.name for span in spans.values() if not span.parent_span_id} == {"poll"}
    assert len({span.trace_id for span in spans.values()}) == 2
