"""What could not be processed: read from `news.dead-letters`, and sent back to where it came from.

A letter that has been sent back is marked by a record behind it, since the topic is a log: so to redrive twice
sends nothing twice. Order: send, wait for the ack, mark. A crash in between sends once more, which does no harm:
ids are functions of content.

Two weeks of values may be more than memory holds: letters are listed without theirs, which are read again,
one after the other, when they are wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Literal

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from msgspec import Struct

from streams.broker.clients import administer, connect_producer
from streams.broker.ranges import TopicReader
from streams.broker.topics import DEAD_LETTER_BYTES, DEAD_LETTERS, TOPICS
from streams.config import Settings
from streams.errors import BrokerError, RecordError
from streams.records import DeadLetter
from streams.wire import ATTEMPTS_HEADER, read_dead_letter, time_of, traceparent, with_trace

__all__ = [
    "GONE",
    "MOST_ATTEMPTS",
    "Letter",
    "Reason",
    "counted",
    "mark_redriven",
    "purge",
    "purgeable",
    "read_letters",
    "receiver_of",
    "redrive",
    "stage_of",
    "why_not",
    "with_values",
]

MOST_ATTEMPTS = 3
"""What has failed so often fails again; it stays where it is until somebody insists."""
GONE = "it is no longer in the log"
"""Of a letter that went with its age, or by somebody's `purge`, since it was listed."""
_MARK = "dead-letter-redriven"
_TOLD = "notify:"
_REFUSALS = (
    CorruptRecordException, InvalidTimestampError, MessageSizeTooLargeError, RecordListTooLargeError,
)  # fmt: skip
"""What the broker says of a record that it will never take; anything else is about the broker."""
Reason = Literal["stage", "error", "topic", "message"]


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter, and where it lies."""

    partition: int
    """Of `news.dead-letters`, likewise the offset."""
    offset: int
    at: datetime
    """When it was refused."""
    letter: DeadLetter
    """Without its value, but from `with_values`."""
    size: int = 0
    """Bytes of the value."""
    redriven: bool = False
    """Whether it has been sent back since."""
    trace: bytes | None = None
    """`traceparent` of the try that failed: the next one hangs on it."""

    @property
    def origin(self) -> str:
        """Topic, partition and offset of the record that could not be processed."""
        return f"{self.letter.topic}/{self.letter.partition}/{self.letter.offset}"

    @property
    def place(self) -> str:
        """Where it lies: partition and offset."""
        return f"{self.partition}/{self.offset}"


def stage_of(receiver_id: str) -> str:
    """The stage of what a receiver of notifications has not got; see `receiver_of`."""
    return _TOLD + receiver_id


def receiver_of(told: DeadLetter) -> str:
    """Which receiver of notifications has not got it; empty if it is of another kind."""
    return told.stage.removeprefix(_TOLD) if told.stage.startswith(_TOLD) else ""


def why_not(letter: Letter, *, insist: bool = False) -> str:
    """Say why a letter is not sent back; empty if it is.

    Args:
        letter: which.
        insist: also what has been sent back already, and what has failed `MOST_ATTEMPTS` times; how often a
            receiver failed says nothing of the letter.
    """
    told, spec = letter.letter, TOPICS.get(letter.letter.topic)
    if spec is None or told.partition < 0:
        return "it is no record of ours; what it came from is asked again by itself"
    if told.cut_from_bytes:
        return f"only the beginning of its {told.cut_from_bytes:,} bytes was kept"
    if receiver_of(told):
        return "it has been redriven already" if letter.redriven and not insist else ""
    if "compact" in spec.cleanup:
        return f"{told.topic} keeps the newest record of a key, which this one need not be"
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

    Returns:
        Letters without their values, some 2 kB each.

    Raises:
        BrokerError: the broker cannot be used.
    """
    found: list[Letter] = []
    marked: set[str] = set()
    async with TopicReader(settings, DEAD_LETTERS) as reader:
        for span in await reader.spans(DEAD_LETTERS):
            async for batch in reader.read(span):
                for record in batch:
                    if (mark := dict(record.headers).get(_MARK)) is not None:
                        marked.add(mark.decode("utf-8", "replace"))
                    elif (letter := _letter(record)) is not None and _is_since(letter, since):
                        found.append(_with(letter, value=None))
    letters = [_marked(each) if each.place in marked else each for each in found]
    return sorted(letters, key=_age, reverse=True)


async def with_values(
    settings: Settings, letters: Iterable[Letter]
) -> AsyncGenerator[Letter, None]:
    """Read letters again with their values, one after the other: those of a partition the oldest first.

    Raises:
        BrokerError: the broker cannot be used.
    """
    wanted: dict[int, dict[int, Letter]] = {}
    for each in letters:
        wanted.setdefault(each.partition, {})[each.offset] = each
    if not wanted:
        return
    async with TopicReader(settings, DEAD_LETTERS) as reader:
        for span in await reader.spans(DEAD_LETTERS, partitions=sorted(wanted)):
            here = wanted[span.partition]
            begin, end = max(span.begin, min(here)), min(span.end, max(here) + 1)
            async for batch in reader.read(msgspec.structs.replace(span, begin=begin, end=end)):
                for record in batch:
                    if letter := here.get(record.offset):
                        yield _with(letter, value=record.value)


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
        size=len(record.value or b""),
        trace=traceparent(record.headers),
    )


def _with(each: Letter, *, value: bytes | None) -> Letter:
    return msgspec.structs.replace(each, letter=msgspec.structs.replace(each.letter, value=value))


def _marked(each: Letter) -> Letter:
    return msgspec.structs.replace(each, redriven=True)


def _is_since(each: Letter, since: datetime | None) -> bool:
    return since is None or each.at >= since


def _age(each: Letter) -> tuple[datetime, int, int]:
    return each.at, each.partition, each.offset


async def redrive(
    settings: Settings, letters: Sequence[Letter], *, step: Callable[[], object] = bool
) -> dict[str, str]:
    """Send letters back to the partitions that they came from, those of a partition oldest first, and mark them.

    Args:
        settings: whose broker is set.
        letters: for which `why_not` has no objection, and none that a receiver has not got.
        step: is called before each.

    Returns:
        Why one was not sent, by place; the others were.

    Raises:
        BrokerError: the broker did not acknowledge; what came before it is done, and it may be done again.
    """
    left = {each.place: GONE for each in letters}
    producer = await connect_producer(settings, message_bytes=DEAD_LETTER_BYTES)
    try:
        async with aclosing(with_values(settings, letters)) as every:
            async for each in every:
                step()
                try:
                    await _send_back(producer, each.letter, each.trace)
                except _REFUSALS as error:
                    left[each.place] = f"the broker does not take it: {error}"
                else:
                    await mark_redriven(producer, each)
                    del left[each.place]
    except KafkaError as error:
        raise BrokerError(
            f"the broker did not acknowledge: {error}", cure="run it again: nothing is sent twice"
        ) from error
    finally:
        await producer.stop()
    return left


async def _send_back(producer: AIOKafkaProducer, told: DeadLetter, trace: bytes | None) -> None:
    partitions = await producer.partitions_for(told.topic)
    await producer.send_and_wait(
        told.topic,
        told.value,
        key=told.key if told.value is not None else _key(told),
        # Fewer than it had, if the topic was made anew: then its key tells which.
        partition=told.partition if told.partition in partitions else None,
        timestamp_ms=told.timestamp_ms if told.timestamp_ms >= 0 else None,
        headers=with_trace([(ATTEMPTS_HEADER, str(told.attempts).encode("ascii"))], trace),
    )


async def mark_redriven(producer: AIOKafkaProducer, each: Letter) -> None:
    """Note behind a letter that it has been sent back.

    Raises:
        KafkaError: the broker did not acknowledge.
    """
    await producer.send_and_wait(
        DEAD_LETTERS,
        None,
        key=_key(each.letter),
        partition=each.partition,
        headers=[(_MARK, each.place.encode("ascii"))],
    )


def _key(told: DeadLetter) -> bytes:
    return b"" if told.key is None else told.key  # aiokafka wants a key or a value


def purgeable(letters: Iterable[Letter], until: datetime) -> list[Letter]:
    """The letters that were refused before a time, as far as they can be deleted: a log goes from its begin on.

    Where the clocks of two writers differ a letter of before may lie behind one that is to stay, and then stays too.
    """
    every = list(letters)
    stays: dict[int, int] = {}
    for each in every:
        if each.at >= until:
            stays[each.partition] = min(each.offset, stays.get(each.partition, each.offset))
    return [each for each in every if each.offset < stays.get(each.partition, each.offset + 1)]


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
    async with administer(settings) as admin:
        try:
            await admin.delete_records({place: RecordsToDelete(end) for place, end in upto.items()})
        except (KafkaError, NotImplementedError) as error:
            raise BrokerError(
                f"the broker does not delete records: {error}",
                cure="they go by themselves after 14 days",
            ) from error
    return sum(max(0, end - begin[place.partition]) for place, end in upto.items())
