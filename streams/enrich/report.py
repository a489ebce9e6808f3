"""An enriched item as a page for a terminal: the marked text, then every finding with its reasons.

Written for a reader who knows news, not the code. Meaning never rests on colour alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from streams.enrich.wording import level_in_words, reason_in_words, rule_in_words
from streams.printable import printable
from streams.records import EnrichedItem, Evidence, FigureHit, PolicyTopicHit

__all__ = ["report"]

FIGURE_STYLE = "bold yellow"
POLICY_STYLE = "underline cyan"
LABEL_STYLE = "dim"
HEADING_STYLE = "bold"
SENTENCES_SHOWN = 3
"""Per figure and policy topic; the marked text shows all places."""

_REST_OF_WORD = re.compile(r"[\w’'-]*\w")


def report(item: EnrichedItem) -> RenderableType:
    """Everything found in an item."""
    parts: list[RenderableType] = [
        _plain(_summary(item), style=HEADING_STYLE),
        Text(),
        marked_text(item),
    ]
    for number, hit in enumerate(item.figures, start=1):
        parts += [Text(), *_figure(number, hit)]
    for topic in item.policy_topics:
        parts += [Text(), *_policy_topic(topic)]
    if item.entities:
        parts += [Text(), *_entities(item)]
    parts.append(Text())
    parts += [_plain(f"skipped: {reason}", style=LABEL_STYLE) for reason in item.skipped]
    versions = ", ".join(f"{name} {version}" for name, version in item.versions.items())
    parts.append(_plain(f"versions: {versions}", style=LABEL_STYLE))
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
        words = (place for place in topic.evidence if place.rule != "meaning")
        yield from ((place, POLICY_STYLE, topic.policy_topic) for place in words)


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


# --- figures -----------------------------------------------------------------------------------


def _figure(number: int, hit: FigureHit) -> Iterator[RenderableType]:
    """Who it is and how surely, why, and where it says so."""
    known = hit.qid or "no QID"
    sure = level_in_words(hit.confidence, hit.level)
    yield _plain(f"figure [{number}]: {hit.name} ({known}), {sure}", style=HEADING_STYLE)
    if hit.role:
        yield _indented(_plain(f"part in the news: {hit.role}"))
    yield from (_indented(_plain(reason_in_words(reason))) for reason in hit.reasons)
    yield from _sentences(hit.mentions, FIGURE_STYLE)
    for quote in hit.quotes:
        yield _indented(_plain(f"says ({quote.kind}): {quote.text}"))


# --- policy topics -----------------------------------------------------------------------------


def _policy_topic(hit: PolicyTopicHit) -> Iterator[RenderableType]:
    labels = f", names {', '.join(hit.labels)}" if hit.labels else ""
    codes = f" ({', '.join(hit.iptc)})" if hit.iptc else ""
    title = f"policy topic [{hit.policy_topic}]: {hit.score:.0%}{labels}{codes}"
    yield _plain(title, style=HEADING_STYLE)
    for reason in hit.reasons:
        yield _indented(_plain(reason_in_words(reason)))
        rules = [
            place
            for place in hit.evidence
            if (place.rule == "meaning") == (reason.rule == "meaning")
        ]
        yield from _grouped(rules)


def _grouped(places: Sequence[Evidence]) -> Iterator[RenderableType]:
    """Evidence by what it says: the words of a pattern in one line, with their sentence below."""
    groups: dict[tuple[int, str], list[Evidence]] = defaultdict(list)
    for place in places:
        groups[place.sentence_start, rule_in_words(place)].append(place)
    weighty = sorted(groups.values(), key=lambda group: -sum(place.weight for place in group))
    for group in sorted(weighty[:SENTENCES_SHOWN], key=lambda group: group[0].start):
        words = " + ".join(dict.fromkeys(place.surface for place in group))
        weight = sum(place.weight for place in group)
        rule = rule_in_words(group[0])
        if group[0].rule == "meaning":
            continue_with = f"most of all here ({rule})"
        else:
            continue_with = f"{words}: {rule} (weight {weight:.1f})"
        yield _indented(_plain(continue_with), 4)
        yield _indented(_sentence(group, POLICY_STYLE), 6)
    if len(weighty) > SENTENCES_SHOWN:
        yield _indented(_plain(f"and {len(weighty) - SENTENCES_SHOWN} more"), 4)


# --- entities ----------------------------------------------------------------------------------


def _entities(item: EnrichedItem) -> Iterator[RenderableType]:
    """Each entity once, with how often it occurs."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for entity in item.entities:
        counts[entity.label, entity.text] += 1
    names: dict[str, list[str]] = defaultdict(list)
    for (label, text), count in counts.items():
        names[label].append(text if count == 1 else f"{text} ×{count}")
    yield _plain("entities", style=HEADING_STYLE)
    for label in sorted(names):
        yield _indented(_plain(f"{label}: {', '.join(names[label])}"))


# --- pieces ------------------------------------------------------------------------------------


def _sentences(places: Sequence[Evidence], style: str) -> Iterator[RenderableType]:
    """The first sentences that hold the places, the places marked."""
    groups: dict[int, list[Evidence]] = defaultdict(list)
    for place in places:
        groups[place.sentence_start].append(place)
    for group in [*groups.values()][:SENTENCES_SHOWN]:
        yield _indented(_sentence(group, style), 4)
    if len(groups) > SENTENCES_SHOWN:
        more = sum(len(group) for group in [*groups.values()][SENTENCES_SHOWN:])
        yield _indented(_plain(f"and {more} more places"), 4)


def _sentence(group: Sequence[Evidence], style: str) -> Text:
    """A sentence with places in colour and in brackets, since colours may be off."""
    first = group[0]
    shown, position = Text("› "), 0
    for place in sorted(group, key=lambda place: place.start):
        start, end = place.start - first.sentence_start, place.end - first.sentence_start
        if start < position or place.rule == "meaning":
            continue
        shown.append_text(_plain(first.sentence[position:start]))
        shown.append_text(_plain(f"‹{first.sentence[start:end]}›", style=style))
        position = end
    return shown.append_text(_plain(first.sentence[position:]))


def _indented(content: Text, by: int = 2) -> Padding:
    return Padding(content, (0, 0, 0, by))


def _plain(text: str, style: str = "") -> Text:
    """Words from outside, for the terminal: neither rich's markup nor control characters count."""
    return Text(printable(text), style=style)
