"""Alerts for the tests of the desk and the sinks; all texts are self-written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from streams.records import Alert, AlertSource, Evidence, ItemRef, Latency, PolicyTopicHit

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def evidence_in(
    sentence: str, surface: str, *, sentence_start: int = 0, rule: str = "full"
) -> tuple[Evidence, ...]:
    """The first place of `surface` in a sentence of the body, if it is there."""
    at = sentence.find(surface)
    if at < 0:
        return ()
    found = Evidence(
        field="body",
        start=sentence_start + at,
        end=sentence_start + at + len(surface),
        surface=surface,
        sentence=sentence,
        sentence_start=sentence_start,
        rule=rule,
        detail=surface,
    )
    return (found,)


def make_alert(
    alert_id: str = "a1",
    revision: int = 1,
    *,
    headline: str = "Senatorin fordert Kennzeichnung von Bildern",
    sentence: str = "Am Montag sagte Petra Muster, jede KI müsse erkennbar sein.",
    figure: str = "Petra Muster",
    term: str = "KI",
    feed: str = "Musterblatt",
    url: str = "https://news.example/bilder",
    lang: str = "de",
    at: datetime = NOON,
    copies: int = 0,
    **changes: Any,
) -> Alert:
    """An alert with one source, whose body names the figure and the term in one sentence."""
    item = ItemRef(
        item_id=f"item-{alert_id}",
        feed_id="musterblatt",
        feed_title=feed,
        url=url,
        title=headline,
        lang=lang,
        published_at=at - timedelta(minutes=4),
        seen_at=at - timedelta(seconds=1.8),
        enriched_at=at - timedelta(seconds=0.6),
    )
    start = len(headline) + 1
    policy = evidence_in(sentence, term, sentence_start=start, rule="strong")
    source = AlertSource(
        item=item,
        confidence=0.94,
        figure=evidence_in(sentence, figure, sentence_start=start),
        policy_topics=(PolicyTopicHit(policy_topic="ai", score=0.9, evidence=policy),),
    )
    fields: dict[str, Any] = {
        "alert_id": alert_id,
        "revision": revision,
        "update_kind": "new",
        "update_reason": "first item of the story",
        "notify": True,
        "rule_id": "ai-figures",
        "rule_name": "Figures and AI",
        "figure_id": figure.lower().replace(" ", "-"),
        "figure_name": figure,
        "qid": "Q42",
        "story_id": f"story-{alert_id}",
        "severity": "urgent",
        "severity_reasons": ("named in the headline",),
        "confidence": 0.94,
        "policy_topics": ("ai",),
        "headline": headline,
        "sources": (source,),
        "further_item_ids": tuple(f"copy-{number}" for number in range(copies)),
        "latency": Latency(
            published_at=item.published_at,
            seen_at=item.seen_at,
            enriched_at=item.enriched_at,
            alerted_at=at,
        ),
    }
    return Alert(**(fields | changes))
