"""An enriched item as a page for a terminal: the marked text, then every finding with its reasons."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.printable import printable
from streams.records import EnrichedItem, Evidence, FigureHit, PolicyTopicHit

__all__ = ["report"]

FIGURE_STYLE = "bold yellow"
POLICY_STYLE = "underline cyan"
LABEL_STYLE = "dim"
MENTIONS_SHOWN = 3

_REST_OF_WORD = re.compile(r"[\w’'-]*\w")


def report(item: EnrichedItem) -> RenderableType:
    """Everything found in an item; meaning never rests on colour alone."""
    parts: list[RenderableType] = [
        _plain(_summary(item), style="bold"),
        Text(),
        marked_text(item),
        Text(),
    ]
    parts += [_figure_table(number, hit) for number, hit in enumerate(item.figures, start=1)]
    parts += [_policy_table(hit) for hit in item.policy_topics]
    if item.entities:
        parts.append(_entity_table(item))
    parts += [_plain(f"skipped: {reason}") for reason in item.skipped]
    parts.append(_plain("versions: " + ", ".join(f"{k} {v}" for k, v in item.versions.items())))
    return Group(*parts)


def marked_text(item: EnrichedItem) -> Text:
    """The text with figures and policy evidence in colour, and their labels behind the words."""
    text = _plain(item.text)  # of the same length, so the places stay right
    labels: dict[int, list[str]] = defaultdict(list)
    for place, style, label in _marks(item):
        text.stylize(style, place.start, place.end)
        rest = _REST_OF_WORD.match(item.text, place.end)
        end = rest.end() if rest else place.end
        if label not in labels[end]:
            labels[end].append(label)
    marked, position = Text(), 0
    for end in sorted(labels):
        marked.append_text(text[position:end])
        marked.append_text(_plain(f" [{', '.join(labels[end])}]", style=LABEL_STYLE))
        position = end
    return marked.append_text(text[position:])


def _marks(item: EnrichedItem) -> Iterator[tuple[Evidence, str, str]]:
    """Place, style and label of everything that is marked: figures by number, topics by id."""
    for number, hit in enumerate(item.figures, start=1):
        yield from ((place, FIGURE_STYLE, str(number)) for place in hit.mentions)
    for topic in item.policy_topics:
        yield from ((place, POLICY_STYLE, topic.policy_topic) for place in topic.evidence)


def _summary(item: EnrichedItem) -> str:
    figures = ", ".join(
        f"[{number}] {hit.name} {hit.confidence:.0%}"
        for number, hit in enumerate(item.figures, start=1)
    )
    topics = ", ".join(f"[{hit.policy_topic}] {hit.score:.0%}" for hit in item.policy_topics)
    return (
        f"language: {item.item.lang} ({item.lang_confidence:.0%})\n"
        f"figures: {figures or 'none'}\npolicy topics: {topics or 'none'}"
    )


def _figure_table(number: int, hit: FigureHit) -> Table:
    qid = hit.qid or "no QID"
    title = f"figure [{number}]: {hit.name} ({qid}), {hit.confidence:.0%}, {hit.level}"
    table = _table(title, "place", "rule", "sentence")
    for place in hit.mentions[:MENTIONS_SHOWN]:
        table.add_row(_place(place), _plain(place.rule), _plain(place.sentence))
    more = len(hit.mentions) - MENTIONS_SHOWN
    if more > 0:
        table.add_row(Text(f"and {more} more"), Text(), Text())
    for reason in hit.reasons:
        rule = _plain(f"{reason.weight:+.1f} {reason.rule}")
        table.add_row(Text("reason"), rule, _plain(reason.detail))
    return table


def _policy_table(hit: PolicyTopicHit) -> Table:
    table = _table(
        f"policy topic [{hit.policy_topic}]: {hit.score:.0%}", "place", "rule", "sentence"
    )
    for place in hit.evidence:
        rule = _plain(f"{place.weight:+.2f} {place.rule}: {place.detail}")
        table.add_row(_place(place), rule, _plain(place.sentence))
    return table


def _entity_table(item: EnrichedItem) -> Table:
    """Each entity once, with how often it occurs."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for entity in item.entities:
        counts[entity.label, entity.text] += 1
    names: dict[str, list[str]] = defaultdict(list)
    for (label, text), count in counts.items():
        names[label].append(text if count == 1 else f"{text} ×{count}")
    table = _table("entities", "label", "names")
    for label in sorted(names):
        table.add_row(_plain(label), _plain(", ".join(names[label])))
    return table


def _place(place: Evidence) -> Text:
    return _plain(f"{place.surface} ({place.field} {place.start}–{place.end})")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=_plain(title), title_justify="left", expand=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _plain(text: str, style: str = "") -> Text:
    """Words from outside, for the terminal: neither rich's markup nor control characters count."""
    return Text(printable(text), style=style)
