"""Records as Faust values, for agents that others write on Wirewatch's topics.

    alerts = app.topic("news.alerts", value_serializer=RecordCodec(Alert))

    @app.agent(alerts)
    async def follow(stream):
        async for alert in stream: ...

Wirewatch's own agents take raw bytes instead: they decode where a bad record can still be told
from a good one, and set it aside. Behind this codec Faust raises `ValueDecodeError`.
"""

from __future__ import annotations

from typing import Any

from faust.serializers.codecs import Codec

from streams.records import Record
from streams.wire import decode, encode

__all__ = ["RecordCodec"]


class RecordCodec(Codec):
    """Encodes and decodes one type of record.

    Args:
        record_type: what the topic holds, such as `Alert`.
    """

    def __init__(self, record_type: type[Record], **options: Any) -> None:
        super().__init__(record_type=record_type, **options)  # Faust clones a codec from these
        self._record_type = record_type

    def _dumps(self, obj: Any) -> bytes:
        return encode(obj)

    def _loads(self, s: bytes) -> Any:
        return decode(self._record_type, s)
