"""What a disturbed run has lost, doubled, swapped or changed. Pure: topics in, verdict out.

Every stage is a fold over its partitions, so what it must have written follows from what it has read, record by
record, however often it was killed: the pure code folds the real input again, and the real output is held against
it. Enrichment is a function of each item, and is compared for a sample. That all stages together end where a run
without disturbance ends is asked by itself, for living alerts: the pure code takes the enriched items in the order
in which they came, each once. Not in the order of their numbers, since partitions are read side by side even
when nothing happens, and what is read first may decide which story an item joins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from streams.broker.topics import ALERTS, DEAD_LETTERS, ENRICHED, ITEMS, MENTIONS
from streams.records import Alert, EnrichedItem, Item, Mention, Record, Rule
from streams.stories.cluster import Clusters
from streams.wire import decode, encode, read_dead_letter
from tests.alerts.logs import Partition, living
from tests.chaos.news import POISON

__all__ = ["Fault", "Line", "Logs", "Verdict", "judge"]

_CLOCKS = frozenset({"enriched_at", "alerted_at", "latency", "versions"})
"""What a second processing of the same record cannot have in common with the first."""


class Line(NamedTuple):
    """A record of a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


Logs = Mapping[str, Sequence[Line]]
"""Topic to its records, in the order of offsets within each partition."""

R = TypeVar("R", bound=Record)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a topic."""

    kind: str
    """missing, unexpected, differs, order, doubled, or end: another final state."""
    topic: str
    count: int
    example: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.count:,} {_WORDS[self.kind]}, such as {self.example}"


_WORDS = {
    "missing": "missing",
    "unexpected": "that nothing was to make",
    "differs": "other than the pure code makes them",
    "order": "out of order",
    "doubled": "told twice and not the same",
    "end": "other in the end than without disturbance",
}


class Verdict(msgspec.Struct, frozen=True):
    """What came of a run."""

    faults: tuple[Fault, ...]
    records: dict[str, int]
    """Records by topic."""
    redelivered: dict[str, int]
    """Records by topic beyond those that were due: harmless repetitions."""


class _Made(msgspec.Struct, Generic[R]):
    """A record, what it was made of, and where it lies."""

    name: str
    record: R
    source: tuple[int, int] = (-1, -1)
    """Partition and offset of what it was made of."""
    partition: int = -1


def judge(
    logs: Logs,
    rules: Mapping[str, Rule],
    sample: Sequence[EnrichedItem] = (),
    *,
    stages: Sequence[str] = ("enrich", "stories", "alerts"),
) -> Verdict:
    """Hold what the stages have written against what they have read.

    Args:
        logs: all topics of the stream.
        rules: by rule_id, those of the whole run.
        sample: some items as the pure code enriches them.
        stages: those that ran.
    """
    faults: list[Fault] = []
    redelivered: dict[str, int] = {}
    for stage in stages:
        topic, due, made = _STAGES[stage](logs, rules)
        faults += _compare(topic, due, made, alike=stage != "enrich")
        more = Counter(each.name for each in made) - Counter(each.name for each in due)
        redelivered[topic] = more.total()
    letters, redelivered[DEAD_LETTERS] = _dead_letters(logs)
    faults += [*letters, *_sampled(logs, sample)]
    if "alerts" in stages:
        faults += _ends(logs, rules)
    return Verdict(tuple(faults), {topic: len(logs[topic]) for topic in logs}, redelivered)


# --- what each stage was to make, and what it has made ----------------------------------------


def _enriched(logs: Logs, _: Mapping[str, Rule]) -> tuple[str, list[_Made[Any]], list[_Made[Any]]]:
    due = [_Made(_of_item(item), item, (line.partition, line.offset)) for line, item in _good(logs)]
    made = [
        _Made(_of_item(each.item), each, partition=line.partition)
        for line, each in _read(logs, ENRICHED, EnrichedItem)
    ]
    return ENRICHED, due, made


def _mentions(logs: Logs, _: Mapping[str, Rule]) -> tuple[str, list[_Made[Any]], list[_Made[Any]]]:
    clusters: dict[int, Clusters] = {}
    due = [
        _Made(mention.mention_id, mention, (line.partition, line.offset))
        for line, each in _read(logs, ENRICHED, EnrichedItem)
        for mention in clusters.setdefault(line.partition, Clusters()).mentions(each)
    ]
    made = [
        _Made(mention.mention_id, mention, partition=line.partition)
        for line, mention in _read(logs, MENTIONS, Mention)
    ]
    return MENTIONS, due, made


def _alerts(
    logs: Logs, rules: Mapping[str, Rule]
) -> tuple[str, list[_Made[Any]], list[_Made[Any]]]:
    folds: dict[int, Partition] = {}
    due = [
        _Made(_of_alert(alert), alert, (line.partition, line.offset))
        for line, mention in _read(logs, MENTIONS, Mention)
        for alert in folds.setdefault(line.partition, Partition(dict(rules))).take(
            mention, line.offset
        )
    ]
    made = [
        _Made(_of_alert(alert), alert, partition=line.partition)
        for line, alert in _read(logs, ALERTS, Alert)
    ]
    return ALERTS, due, made


_STAGES: dict[str, Callable[..., tuple[str, list[_Made[Any]], list[_Made[Any]]]]] = {
    "enrich": _enriched,
    "stories": _mentions,
    "alerts": _alerts,
}


def _of_item(item: Any) -> str:
    return f"item {item.item_id} revision {item.revision}"


def _of_alert(alert: Alert) -> str:
    return f"alert {alert.alert_id} revision {alert.revision}"


# --- the comparisons ---------------------------------------------------------------------------


def _compare(
    topic: str, due: Sequence[_Made[Any]], made: Sequence[_Made[Any]], *, alike: bool
) -> Iterable[Fault]:
    """Compare by name; of what was made more than once the first counts for content and order."""
    wanted, found = _first(due), _first(made)
    yield from _fault("missing", topic, [name for name in wanted if name not in found])
    yield from _fault("unexpected", topic, [name for name in found if name not in wanted])
    yield from _fault("order", topic, _swapped(wanted, found))
    if alike:
        both = [name for name in wanted if name in found]
        differing = ((name, _differences(wanted[name].record, found[name].record)) for name in both)
        yield from _fault(
            "differs", topic, [f"{n} ({', '.join(fields)})" for n, fields in differing if fields]
        )
    if topic == ALERTS:  # elsewhere what is told again may know more of the story by then
        again = [e.name for e in made if _differences(found[e.name].record, e.record)]
        yield from _fault("doubled", topic, again)


def _first(all_: Sequence[_Made[Any]]) -> dict[str, _Made[Any]]:
    found: dict[str, _Made[Any]] = {}
    for each in all_:
        found.setdefault(each.name, each)
    return found


def _swapped(wanted: Mapping[str, _Made[Any]], found: Mapping[str, _Made[Any]]) -> list[str]:
    """What stands in a partition behind the output of a later record of the same source partition."""
    swapped: list[str] = []
    reached: dict[tuple[int, int], int] = {}
    for name, each in found.items():
        if name not in wanted:
            continue
        source, offset = wanted[name].source
        if offset < reached.get((source, each.partition), -1):
            swapped.append(name)
        reached[source, each.partition] = max(offset, reached.get((source, each.partition), -1))
    return swapped


def _dead_letters(logs: Logs) -> tuple[list[Fault], int]:
    """Faults, and how many letters of the same record there are beyond the first."""
    due = {
        f"{ITEMS}/{line.partition}/{line.offset}": line.value
        for line in logs[ITEMS]
        if (line.key or b"").startswith(POISON)
    }
    found: Counter[str] = Counter()
    changed, reasons = [], {}
    for line in logs[DEAD_LETTERS]:
        letter = read_dead_letter(line.key, line.value, line.headers)
        origin = f"{letter.topic}/{letter.partition}/{letter.offset}"
        found[origin] += 1
        reasons[origin] = f"{origin} ({letter.message[:100]})"
        if origin in due and letter.value != due[origin]:
            changed.append(origin)
    faults = [
        *_fault("missing", DEAD_LETTERS, [origin for origin in due if origin not in found]),
        *_fault("unexpected", DEAD_LETTERS, [reasons[o] for o in found if o not in due]),
        *_fault("differs", DEAD_LETTERS, changed),
    ]
    return faults, found.total() - len(found)


def _sampled(logs: Logs, sample: Sequence[EnrichedItem]) -> Iterable[Fault]:
    """Compare every copy of the sampled items with what the pure code makes of them."""
    wanted = {_of_item(each.item): each for each in sample}
    differing = [
        f"{name} ({', '.join(fields)})"
        for _, each in _read(logs, ENRICHED, EnrichedItem)
        if (name := _of_item(each.item)) in wanted and (fields := _differences(wanted[name], each))
    ]
    return _fault("differs", ENRICHED, differing)


def _ends(logs: Logs, rules: Mapping[str, Rule]) -> Iterable[Fault]:
    """Compare the newest revisions with those of a run in which nothing happened."""
    newest: dict[str, Alert] = {}
    for _, alert in _read(logs, ALERTS, Alert):
        if alert.alert_id not in newest or newest[alert.alert_id].revision < alert.revision:
            newest[alert.alert_id] = alert
    real, undisturbed = living(newest), living(_undisturbed(logs, rules))
    every = real.keys() | undisturbed.keys()
    return _fault(
        "end", ALERTS, [f"{key[0]}" for key in every if real.get(key) != undisturbed.get(key)]
    )


def _undisturbed(logs: Logs, rules: Mapping[str, Rule]) -> dict[str, Alert]:
    """Alerts as they come of the enriched items, each of them once."""
    clusters: dict[int, Clusters] = {}
    folds: dict[int, Partition] = {}
    places = {line.key: line.partition for line in logs[MENTIONS]}
    offset: Counter[int] = Counter()
    known: set[str] = set()
    for line, each in _read(logs, ENRICHED, EnrichedItem):
        if _of_item(each.item) in known:
            continue
        known.add(_of_item(each.item))
        for mention in clusters.setdefault(line.partition, Clusters()).mentions(each):
            place = places.get(mention.figure.figure_id.encode(), -1)
            folds.setdefault(place, Partition(dict(rules))).take(mention, offset[place])
            offset[place] += 1
    return {alert_id: a for fold in folds.values() for alert_id, a in fold.alerts.items()}


# --- reading -----------------------------------------------------------------------------------


def _good(logs: Logs) -> list[tuple[Line, Item]]:
    return [
        (line, decode(Item, line.value))
        for line in logs[ITEMS]
        if not (line.key or b"").startswith(POISON)
    ]


def _read(logs: Logs, topic: str, type_: type[R]) -> list[tuple[Line, R]]:
    return [(line, decode(type_, line.value)) for line in logs[topic]]


def _fault(kind: str, topic: str, names: Sequence[str]) -> list[Fault]:
    return [Fault(kind, topic, len(names), names[0])] if names else []


def _differences(one: Record, other: Record) -> list[str]:
    """Names of the fields in which two records differ, clocks aside."""
    if one is other or encode(one) == encode(other):
        return []
    return [
        name
        for name in one.__struct_fields__
        if name not in _CLOCKS and _plain(getattr(one, name)) != _plain(getattr(other, name))
    ]


def _plain(value: Any) -> Any:
    return _without_clocks(msgspec.to_builtins(value))


def _without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_clocks(v) for k, v in value.items() if k not in _CLOCKS}
    return [_without_clocks(each) for each in value] if isinstance(value, list | tuple) else value
