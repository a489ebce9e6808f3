"""Alerts in the terminal: what it is about, the sentence with its match marked, where from.

An item that concerns three figures makes three alerts within a moment. They are one piece of news
to somebody who reads along, so alerts of the same item are shown as one block.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from streams.printable import printable
from streams.records import Alert, AlertSource, Evidence, Severity

__all__ = ["render_alerts", "render_silent"]

_SEVERITIES: tuple[Severity, ...] = get_args(Severity)
_STYLE: dict[Severity, str] = {
    "info": "cyan",
    "alert": "bold yellow",
    "urgent": "bold red",
    "flash": "bold white on red",
}
_FIGURE_STYLE = "bold yellow"
_POLICY_STYLE = "underline cyan"
_INDENT = (0, 0, 0, 8)


def render_alerts(alerts: Sequence[Alert], now: datetime) -> RenderableType:
    """Revisions that should reach people, all about the same item.

    Args:
        alerts: at least one.
        now: when they are shown; the end of the latency.
    """
    first = max(alerts, key=lambda a: _SEVERITIES.index(a.severity))
    source = first.sources[-1]
    names = dict.fromkeys(a.figure_name for a in sorted(alerts, key=_urgency))
    topics = sorted({topic for alert in alerts for topic in alert.policy_topics})
    head = Text.assemble(
        (f"{first.severity.upper():<7}", _STYLE[first.severity]),
        (f" {printable(', '.join(names))}", "bold"),
        (f"  {' · '.join(topics)}", "green"),
        ("" if first.update_kind == "new" else f"  ({printable(first.update_reason)})", "dim"),
    )
    seconds = (now - first.latency.seen_at).total_seconds()
    foot = (
        f"{source.item.feed_title or source.item.feed_id} ({source.item.lang}) · "
        f"confidence {first.confidence:.2f} · {seconds:.1f} s after first seen · "
        f"{', '.join(sorted({a.rule_id for a in alerts}))}\n{source.item.url}"
    )
    body: list[RenderableType] = [Text(printable(first.headline), style="bold")]
    if (sentence := _sentence(alerts)) is not None:
        body.append(sentence)
    return Group(
        head,
        Padding(Group(*body, Text(printable(foot), style="dim", overflow="fold"), Text()), _INDENT),
    )


def render_silent(alerts: Sequence[Alert]) -> Text:
    """Revisions that are only recorded, all about the same item: one quiet line."""
    first = alerts[0]
    items = len(first.sources) + len(first.further_item_ids)
    names = ", ".join(dict.fromkeys(alert.figure_name for alert in alerts))
    line = f"      + {first.update_reason} ({items} items): {names} · {first.headline}"
    return Text(printable(line), style="dim")


def _urgency(alert: Alert) -> tuple[int, float]:
    return (-_SEVERITIES.index(alert.severity), -alert.confidence)


def _sentence(alerts: Sequence[Alert]) -> Text | None:
    """The sentence that holds the most evidence, every piece of it marked.

    Marks are brackets as well as colours: figures [so], policy evidence {so}. The headline is shown
    anyway, so a sentence of the text is preferred.
    """
    sources = [alert.sources[-1] for alert in alerts]
    places = {_place(e): e for source in sources for e in _evidence(source)}
    if not places:
        return None
    figures = {_place(e) for source in sources for e in source.figure}
    shown = max(
        places.values(),
        key=lambda e: (
            e.field != "title",
            _place(e) in figures,
            sum(_inside(e, other) for other in places.values()),
            -e.start,
        ),
    )
    marks = sorted(place for place, e in places.items() if _inside(shown, e))
    text, position = Text(), 0
    for start, end in marks:
        begin, stop = start - shown.sentence_start, end - shown.sentence_start
        if begin < position:
            continue  # overlaps what is marked already
        is_figure = (start, end) in figures
        text.append(printable(shown.sentence[position:begin]))
        opening, closing = "[]" if is_figure else "{}"
        style = _FIGURE_STYLE if is_figure else _POLICY_STYLE
        text.append(f"{opening}{printable(shown.sentence[begin:stop])}{closing}", style=style)
        position = stop
    return text.append(printable(shown.sentence[position:]))


def _evidence(source: AlertSource) -> list[Evidence]:
    return [*source.figure, *(e for hit in source.policy_topics for e in hit.evidence)]


def _place(evidence: Evidence) -> tuple[int, int]:
    return evidence.start, evidence.end


def _inside(shown: Evidence, evidence: Evidence) -> bool:
    """Whether evidence lies in the sentence of the evidence that is shown."""
    begin = shown.sentence_start
    return begin <= evidence.start and evidence.end <= begin + len(shown.sentence)
