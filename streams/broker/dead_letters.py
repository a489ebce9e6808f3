"""What could not be processed: read from `news.dead-letters`, and sent back to where it came from.

A letter that has been sent back is marked by a record behind it, since the topic is a log: so to redrive twice
sends nothing twice. Order: send, wait for the ack, mark. A crash in between sends once more, which does no harm:
ids are functions of content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError
from msgspec import Struct

from streams.broker.clients import administer, connect_producer
from streams.broker.ranges import TopicReader
from streams.broker.topics import DEAD_LETTER_BYTES, DEAD_LETTERS, TOPICS
from streams.config import Settings
from streams.errors import BrokerError, RecordError
from streams.records import DeadLetter
from streams.wire import ATTEMPTS_HEADER, read_dead_letter, time_of, traceparent, with_trace

__all__ = [
    "MOST_ATTEMPTS",
    "Letter",
    "Reason",
    "counted",
    "purge",
    "read_letters",
    "redrive",
    "why_not",
]

MOST_ATTEMPTS = 3
"""What has failed so often fails again; it stays where it is until somebody insists."""
_MARK = "dead-letter-redriven"
Reason = Literal["stage", "error", "topic", "message"]


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter, and where it lies."""

    partition: int
    """Of `news.dead-letters`, likewise the offset."""
    offset: int
    at: datetime
    """When it was refused."""
    letter: DeadLetter
    redriven: bool = False
    """Whether it has been sent back since."""
    trace: bytes | None = None
    """`traceparent` of the try that failed: the next one hangs on it."""

    @property
    def origin(self) -> str:
        """Topic, partition and offset of the record that could not be processed."""
        return f"{self.letter.topic}/{self.letter.partition}/{self.letter.offset}"


def why_not(letter: Letter, *, insist: bool = False) -> str:
    """Say why a letter is not sent back; empty if it is.

    Args:
        letter: which.
        insist: also what has been sent back already, and what has failed `MOST_ATTEMPTS` times.
    """
    told, spec = letter.letter, TOPICS.get(letter.letter.topic)
    if spec is None or told.partition < 0:
        return "it is no record of ours; what it came from is asked again by itself"
    if "compact" in spec.cleanup:
        return f"{told.topic} keeps the newest record of a key, and this one is older"
    if told.cut_from_bytes:
        return f"only the beginning of its {told.cut_from_bytes:,} bytes was kept"
    if letter.redriven and not insist:
        return "it has been redriven already"
    if told.attempts >= MOST_ATTEMPTS and not insist:
        return f"quarantined: it has failed {told.attempts} times"
    return ""


def counted(letters: Iterable[Letter], by: Reason) -> list[tuple[str, int]]:
    """How many letters there are of each kind, most first."""
    counts = Counter(getattr(each.letter, by) for each in letters)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


async def read_letters(settings: Settings, since: datetime | None = None) -> list[Letter]:
    """Read the dead letters, newest first; those that do not say where they are from are left out.

    Args:
        settings: whose broker is set.
        since: time of the letters; None for all that are kept.

    Raises:
        BrokerError: the broker cannot be used.
    """
    found: dict[tuple[int, int], Letter] = {}
    marked: set[str] = set()
    async with TopicReader(settings, DEAD_LETTERS) as reader:
        for span in await reader.spans(DEAD_LETTERS):
            async for batch in reader.read(span):
                for record in batch:
                    if (mark := dict(record.headers).get(_MARK)) is not None:
                        marked.add(mark.decode("utf-8", "replace"))
                    elif (letter := _letter(record)) is not None:
                        found[record.partition, record.offset] = letter
    letters = [
        Letter(
            partition=each.partition,
            offset=each.offset,
            at=each.at,
            letter=each.letter,
            redriven=_mark(*place) in marked,
            trace=each.trace,
        )
        for place, each in found.items()
        if since is None or each.at >= since
    ]
    return sorted(letters, key=lambda each: (each.at, each.partition, each.offset), reverse=True)


def _letter(record: Any) -> Letter | None:
    try:
        letter = read_dead_letter(record.key, record.value, record.headers)
    except RecordError:
        return None
    return Letter(
        partition=record.partition,
        offset=record.offset,
        at=time_of(record),
        letter=letter,
        trace=traceparent(record.headers),
    )


async def redrive(settings: Settings, letters: Sequence[Letter]) -> None:
    """Send letters back to the partitions that they came from, oldest first, and mark them.

    Args:
        settings: whose broker is set.
        letters: for which `why_not` has no objection.

    Raises:
        BrokerError: the broker did not acknowledge; what came before it is done, and it may be done again.
    """
    producer = await connect_producer(settings, message_bytes=DEAD_LETTER_BYTES)
    try:
        for each in sorted(letters, key=lambda each: (each.at, each.partition, each.offset)):
            await _send_back(producer, each)
    except KafkaError as error:
        raise BrokerError(
            f"the broker did not acknowledge: {error}", cure="run it again: nothing is sent twice"
        ) from error
    finally:
        await producer.stop()


async def _send_back(producer: AIOKafkaProducer, each: Letter) -> None:
    told = each.letter
    key = b"" if told.key is None else told.key  # aiokafka wants a key or a value
    partitions = await producer.partitions_for(told.topic)
    await producer.send_and_wait(
        told.topic,
        told.value,
        key=told.key if told.value is not None else key,
        # Fewer than it had, if the topic was made anew: then its key tells which.
        partition=told.partition if told.partition in partitions else None,
        timestamp_ms=told.timestamp_ms if told.timestamp_ms >= 0 else None,
        headers=with_trace([(ATTEMPTS_HEADER, str(told.attempts).encode("ascii"))], each.trace),
    )
    mark = _mark(each.partition, each.offset).encode("ascii")
    await producer.send_and_wait(
        DEAD_LETTERS, None, key=key, partition=each.partition, headers=[(_MARK, mark)]
    )


def _mark(partition: int, offset: int) -> str:
    return f"{partition}/{offset}"


async def purge(settings: Settings, letters: Sequence[Letter]) -> int:
    """Delete the log of dead letters up to the newest of these in each partition.

    Returns:
        How many records the broker has dropped, marks included.

    Raises:
        BrokerError: the broker cannot delete records, or cannot be reached.
    """
    upto: dict[TopicPartition, int] = {}
    for each in letters:
        place = TopicPartition(DEAD_LETTERS, each.partition)
        upto[place] = max(upto.get(place, 0), each.offset + 1)
    async with TopicReader(settings, DEAD_LETTERS) as reader:
        begin = {span.partition: span.begin for span in await reader.spans(DEAD_LETTERS)}
    try:
        async with administer(settings) as admin:
            await admin.delete_records({place: RecordsToDelete(end) for place, end in upto.items()})
    except (KafkaError, NotImplementedError) as error:
        raise BrokerError(
            f"the broker does not delete records: {error}",
            cure="they go by themselves after 14 days",
        ) from error
    return sum(max(0, end - begin[place.partition]) for place, end in upto.items())
