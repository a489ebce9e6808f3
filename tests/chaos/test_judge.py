"""The judge of the chaos runs sees what is wrong: each table row breaks one thing in a run without fault."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec
import pytest

from streams.broker.topics import ALERTS, DEAD_LETTERS, ENRICHED, ITEMS, MENTIONS
from streams.errors import RecordError
from streams.records import Alert, EnrichedItem, Figure, Mention, Record
from streams.stories.cluster import Clusters
from streams.testing import NOW, make_enriched, make_figure_hit, make_item, make_item_ref, make_rule
from streams.wire import dead_letter, decode, encode
from tests.alerts.logs import Partition
from tests.chaos.disturb import BROKER, plan
from tests.chaos.guards import GUARDS, without
from tests.chaos.judge import Line, judge
from tests.chaos.news import POISON, news, poison

RULES = {"all": make_rule(rule_id="all")}
Topics = dict[str, list[Line]]


def _line(offset: int, record: Record) -> Line:
    return Line(0, offset, b"key", encode(record))


def _lines(records: list[Record]) -> list[Line]:
    return [_line(offset, record) for offset, record in enumerate(records)]


def _letter(offset: int, of: Line) -> Line:
    key, value, headers = dead_letter(
        of.key,
        of.value,
        topic=ITEMS,
        partition=of.partition,
        offset=of.offset,
        stage="enrich",
        error=RecordError("not an Item"),
    )
    return Line(0, offset, key, value, tuple(headers))


def _enriched(number: int) -> EnrichedItem:
    names = ("Ada", "Bob", "Eve", "Dan", "Kim", "Lea")
    return make_enriched(
        f"{names[number]} Example opens office number {number} in the north",
        item=make_item_ref(number=number, seen_at=NOW),
        figures=(make_figure_hit(),),
    )


@pytest.fixture
def run() -> Topics:
    """Six items and one record of poison; nothing is wrong."""
    bad = Line(0, 6, POISON + b"1", b"\xff")
    enriched = [_enriched(n) for n in range(6)]
    clusters, alerts = Clusters(), Partition(RULES)
    mentions = [m for each in enriched for m in clusters.mentions(each)]
    return {
        ITEMS: [*_lines([make_item(number=n) for n in range(6)]), bad],
        ENRICHED: _lines([*enriched]),
        MENTIONS: _lines([*mentions]),
        ALERTS: _lines([*alerts.take_all(mentions)]),
        DEAD_LETTERS: [_letter(0, bad)],
    }


def _again(run: Topics, topic: str, record: Record | None = None) -> None:
    """Write the last record of a topic once more, perhaps as another one."""
    last = run[topic][-1]
    value = encode(record) if record else last.value
    run[topic].append(last._replace(offset=last.offset + 1, value=value))


def test_a_run_without_fault_passes(run: Topics) -> None:
    verdict = judge(run, RULES, [_enriched(2)])
    assert verdict.faults == ()
    assert verdict.records == {ITEMS: 7, ENRICHED: 6, MENTIONS: 6, ALERTS: 6, DEAD_LETTERS: 1}
    assert not any(verdict.redelivered.values())


def _last(run: Topics, topic: str, type_: type[Record]) -> Record:
    return decode(type_, run[topic][-1].value)


def _lose(topic: str) -> Callable[[Topics], None]:
    return lambda run: run[topic].pop(3 if topic != DEAD_LETTERS else 0)  # type: ignore[return-value]


def _swap(topic: str) -> Callable[[Topics], None]:
    def swap(run: Topics) -> None:
        one, other = run[topic][1], run[topic][2]
        run[topic][1], run[topic][2] = (
            other._replace(offset=one.offset),
            one._replace(offset=other.offset),
        )

    return swap


def _change(topic: str, type_: type[Record], **changes: object) -> Callable[[Topics], None]:
    def change(run: Topics) -> None:
        record = msgspec.structs.replace(_last(run, topic, type_), **changes)
        run[topic][-1] = run[topic][-1]._replace(value=encode(record))

    return change


def _tell_otherwise(run: Topics) -> None:
    alert = _last(run, ALERTS, Alert)
    _again(run, ALERTS, msgspec.structs.replace(alert, headline="Another"))


def _refuse_a_good_one(run: Topics) -> None:
    run[DEAD_LETTERS].append(_letter(1, run[ITEMS][0]))


def _spoil_a_letter(run: Topics) -> None:
    run[DEAD_LETTERS][0] = run[DEAD_LETTERS][0]._replace(value=b"\xfe")


def _invent(run: Topics) -> None:
    _again(run, ENRICHED, _enriched(0))
    stranger = msgspec.structs.replace(_enriched(0), item=make_item_ref(number=99, seen_at=NOW))
    _again(run, ENRICHED, stranger)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (_lose(ENRICHED), ("missing", ENRICHED)),
        (_lose(MENTIONS), ("missing", MENTIONS)),
        (_lose(ALERTS), ("missing", ALERTS)),
        (_lose(DEAD_LETTERS), ("missing", DEAD_LETTERS)),
        (_swap(ENRICHED), ("order", ENRICHED)),
        (_swap(MENTIONS), ("order", MENTIONS)),
        (_swap(ALERTS), ("order", ALERTS)),
        (_change(MENTIONS, Mention, other_figures=("bob",)), ("differs", MENTIONS)),
        (_change(ALERTS, Alert, severity="flash"), ("differs", ALERTS)),
        (_change(ALERTS, Alert, severity="flash"), ("end", ALERTS)),
        (_change(ENRICHED, EnrichedItem, text="Another"), ("differs", ENRICHED)),
        (_change(ALERTS, Alert, revision=7), ("unexpected", ALERTS)),
        (_tell_otherwise, ("doubled", ALERTS)),
        (_invent, ("unexpected", ENRICHED)),
        (_refuse_a_good_one, ("unexpected", DEAD_LETTERS)),
        (_spoil_a_letter, ("differs", DEAD_LETTERS)),
    ],
)
def test_what_is_wrong_is_found(
    run: Topics, broken: Callable[[Topics], None], fault: tuple[str, str]
) -> None:
    broken(run)
    sample = [_enriched(5)]
    found = {(each.kind, each.topic) for each in judge(run, RULES, sample).faults}
    assert fault in found


def test_what_is_told_again_alike_is_counted_and_no_fault(run: Topics) -> None:
    alert = decode(Alert, run[ALERTS][-1].value)
    later = msgspec.structs.replace(alert.latency, alerted_at=NOW.replace(year=2030))
    _again(run, ALERTS, msgspec.structs.replace(alert, latency=later))
    run[DEAD_LETTERS].append(_letter(1, run[ITEMS][-1]))
    verdict = judge(run, RULES)
    assert verdict.faults == ()
    assert (verdict.redelivered[ALERTS], verdict.redelivered[DEAD_LETTERS]) == (1, 1)


def _figure(name: str) -> Figure:
    return Figure(figure_id=name, name=name, kind="person")


def test_items_and_plans_follow_from_the_seed() -> None:
    figures = [_figure(name) for name in ("Ada Example", "Bob Sample", "Eve Instance")]
    items = list(news(300, 7, figures))
    assert items == list(news(300, 7, figures))
    assert items != list(news(300, 8, figures))
    revisions = [(item.item_id, item.revision) for item in items]
    assert len(set(revisions)) == 300
    assert {item.revision for item in items} > {1, 2}
    assert {poison(n)[1] for n in range(2)}.isdisjoint({encode(item) for item in items})
    assert plan(7, 600, ["enrich", "alerts"]) == plan(7, 600, ["enrich", "alerts"])


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_keeps_its_pace_and_lets_only_second_workers_go(seed: int) -> None:
    found = plan(seed, 600, ["enrich", "stories", "alerts"])
    assert [each.kind for each in found if each.whom == BROKER] == ["restart", "crash"]
    times = [each.at for each in found if each.whom != BROKER]
    assert all(4.9 < later - at < 15.1 for at, later in itertools.pairwise(times))
    there: set[str] = set()
    for each in found:
        if each.whom.endswith("-2"):
            assert (each.whom in there) == (each.kind != "join")
        if each.kind == "join":
            there.add(each.whom)
        if each.kind == "leave":
            there.discard(each.whom)
            assert each.whom.endswith("-2")


def test_every_guard_can_be_switched_off() -> None:
    assert all(guard in without(guard).without for guard in GUARDS)
    assert without("").without == ()
