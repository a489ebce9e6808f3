"""What `wirewatch explain` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.alerts.explaining import AlertExplained, ItemExplained, StoryStep
from streams.alerts.match import Check
from streams.printing import say
from streams.records import AlertSource, Evidence, FigureHit, PolicyTopicHit, Reason

__all__ = ["show_alert", "show_item"]

SOURCES_SHOWN = 10
STEPS_SHOWN = 20
RULES_SHOWN = 40
PLACES_SHOWN = 3


def show_alert(found: AlertExplained) -> None:
    """An alert: what it is, its revisions, sources, rule, story and times."""
    alert = found.alert
    say(f"alert {alert.alert_id}, {alert.severity}, {alert.state}: {alert.headline}")
    say(f"{alert.figure_name} ({alert.figure_id}), {alert.confidence:.0%}")
    if alert.severity_reasons:
        say(f"severity: {'; '.join(alert.severity_reasons)}")
    _show_revisions(found)
    _show_sources(found)
    _show_conditions(found)
    _heading(f"story {alert.story_id}")
    if alert.derived_from:
        say(f"  goes on from alert {alert.derived_from}")
    if alert.superseded_by:
        say(f"  goes on as alert {alert.superseded_by}")
    _show_story(found.story)
    _heading("times, of what notified last")
    say(f"  {found.latency}")


def _show_revisions(found: AlertExplained) -> None:
    _heading("revisions")
    if found.missing_revisions:
        say(f"  {found.missing_revisions} older ones are no longer kept")
    for each in found.revisions:
        say(f"  {each.revision:3}  {each.at:%Y-%m-%d %H:%M:%S}  {each.kind}: {each.reason}")
        say(f"       {each.notification}")
        if each.triage:
            say(f"       {each.triage}")


def _show_sources(found: AlertExplained) -> None:
    alert = found.alert
    _heading(
        f"sources: {found.items} items of {len(alert.publishers)} feeds, copies: {alert.copies}"
    )
    for source in alert.sources[:SOURCES_SHOWN]:
        _show_source(source)
    if (more := found.items - SOURCES_SHOWN) > 0:
        say(f"  and {more} more")


def _show_conditions(found: AlertExplained) -> None:
    _heading(found.rule_note)
    for check in found.conditions:
        _show_check(check, 2)
    if found.conditions_of:
        say(f"  held against item {found.conditions_of}, the first that is still stored")
    elif not found.rule_note.endswith("cannot be told"):
        say("  its mentions are no longer stored, so the conditions cannot be held against them")


def show_item(found: ItemExplained) -> None:
    """An item: where it is, what was found in it, and what each rule made of that."""
    item = found.item
    say(f"item {found.item_id}" + (f": {item.title}" if item else ""))
    if item:
        say(f"{item.feed_title or item.feed_id}, tier {item.tier}, {item.url}")
        say(
            f"published {item.published_at:%Y-%m-%d %H:%M} UTC, seen {item.seen_at:%Y-%m-%d %H:%M:%S}"
            + (", backfill: it was old when its feed was first polled" if item.backfill else "")
        )
    _heading("where it is")
    for line in found.where:
        say(f"  {line}")
    if item is None:
        say("  it is not enriched, so no rule has seen it")
        return
    _show_findings(found, item.lang)
    if found.story:
        _heading(f"story {found.story[0].story_id}")
        _show_story(found.story)
    if found.figures:
        _show_rules(found)


def _show_findings(found: ItemExplained, lang: str) -> None:
    _heading(f"language {lang}, {found.lang_confidence:.0%}")
    for reason in found.skipped:
        say(f"  skipped: {reason}")
    _heading("figures" if found.figures else "no watched figure was found, so no rule can fire")
    for hit in found.figures:
        _show_figure(hit)
    _heading("policy topics" if found.policy_topics else "no policy topic was found")
    for topic in found.policy_topics:
        _show_topic(topic)


def _show_rules(found: ItemExplained) -> None:
    _heading("rules")
    for verdict in found.rules[:RULES_SHOWN]:
        alert = f" (alert {verdict.alert_id})" if verdict.alert_id else ""
        say(f"  {verdict.outcome:7}  {verdict.rule_id}, {verdict.figure_id}: {verdict.why}{alert}")
    if (more := len(found.rules) - RULES_SHOWN) > 0:
        say(f"  and {more} more, see --json")
    if found.about_others:
        say(f"  {found.about_others} rules are about other figures")
    if not found.rules and not found.about_others:
        say("  there are none; `wirewatch rules add FILE`")


def _show_source(source: AlertSource) -> None:
    item = source.item
    copy = f", copy of {source.copy_of}" if source.copy_of else ""
    say(
        f"  {item.seen_at:%Y-%m-%d %H:%M:%S}  {item.feed_title or item.feed_id}: {item.title}{copy}"
    )
    say(f"       {item.url or item.item_id}  (item {item.item_id}, {source.confidence:.0%})")
    _show_places(source.figure, 7)
    for hit in source.policy_topics:
        say(f"       {hit.policy_topic} {hit.score:.2f}: {_terms(hit.evidence)}")


def _show_figure(hit: FigureHit) -> None:
    role = f", {hit.role}" if hit.role else ""
    sure = "" if hit.level == "alert" else ", only possible"
    say(
        f"  {hit.name} ({hit.figure_id}), {hit.confidence:.0%}{sure}{role}: {_reasons(hit.reasons)}"
    )
    _show_places(hit.mentions, 7)


def _show_topic(hit: PolicyTopicHit) -> None:
    say(f"  {hit.policy_topic} {hit.score:.2f}: {_terms(hit.evidence) or _reasons(hit.reasons)}")


def _show_places(places: Sequence[Evidence], indent: int) -> None:
    for place in places[:PLACES_SHOWN]:
        say(
            f"{' ' * indent}{place.surface!r} ({place.rule}) in: {' '.join(place.sentence.split())}"
        )


def _terms(places: Iterable[Evidence]) -> str:
    return ", ".join(dict.fromkeys(place.surface for place in places))


def _reasons(reasons: Iterable[Reason]) -> str:
    told = (f"{r.rule} {r.detail}".strip() + f" {r.weight:+.1f}" for r in reasons)
    return ", ".join(told) or "no reasons stored"


def _show_story(steps: Sequence[StoryStep]) -> None:
    for step in steps[:STEPS_SHOWN]:
        say(f"  {step.at:%Y-%m-%d %H:%M:%S}  {step.title}  (item {step.item_id})")
        how = f"copy of {step.copy_of}" if step.copy_of else ""
        if step.reason or how:
            say(f"       {'; '.join(filter(None, (how, step.reason)))}")
        if step.absorbed:
            say(f"       with it these stories became one with it: {', '.join(step.absorbed)}")
    if (more := len(steps) - STEPS_SHOWN) > 0:
        say(f"  and {more} more items, see --json")


def _show_check(check: Check, indent: int) -> None:
    passed = "yes" if check.passed else "no "
    say(f"{' ' * indent}{passed}  {check.condition}: {check.detail}")
    for part in check.parts:
        _show_check(part, indent + 5)


def _heading(text: str) -> None:
    say("")
    say(text)
