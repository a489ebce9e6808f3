"""An agent of somebody else reads and writes Wirewatch's records through the codec."""

import faust
import pytest
from faust.exceptions import ValueDecodeError
from faust.serializers import codecs

from streams.agents.codec import RecordCodec
from streams.records import Item
from streams.testing import make_item
from streams.wire import encode


def registry():
    return faust.App("test", broker="kafka://127.0.0.1:1").serializers


def test_bytes_become_records_and_back():
    codec = RecordCodec(Item)
    item = registry().loads_value(None, encode(make_item()), serializer=codec)
    assert item == make_item()
    assert registry().dumps_value(None, item, serializer=codec) == encode(make_item())


def test_other_bytes_are_a_decode_error():
    with pytest.raises(ValueDecodeError):
        registry().loads_value(None, b"{}", serializer=RecordCodec(Item))


def test_codecs_combine_as_faust_s_own_do():
    combined = RecordCodec(Item) | codecs.binary()
    assert combined.loads(combined.dumps(make_item())) == make_item()


async def test_an_agent_gets_records():
    app = faust.App("test", broker="kafka://127.0.0.1:1", web_enabled=False)
    app.finalize()
    topic = app.topic("news.items", value_serializer=RecordCodec(Item), value_type=None)
    seen = []

    @app.agent(topic)
    async def follow(stream):
        async for item in stream:
            seen.append(item.title)
            yield item

    async with follow.test_context() as agent:
        await agent.put(make_item(title="Schlagzeile"))
    assert seen == ["Schlagzeile"]
