"""Which language a feed is written in, learned from its own entries. Pure.

A headline is often too short to tell, and names pull it astray; the tag that a feed declares is often
wrong. Its longer entries tell. What they told is remembered with the feed and travels with each Item,
so that an Item that is processed again gets the same answer. The detector is handed in, because
detection lives in a room below this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from streams.records import Item

__all__ = ["Detects", "learn", "prevailing"]

Detects = Callable[[str], str]
"""Language of HTML or text, as ISO 639-1 code; "" where that is not certain."""

LONG_WORDS = 12
"""Entries below are joined with others; together they tell what none tells alone."""
ENTRIES_READ = 40
"""Of a document; more only takes time."""
ENOUGH = 4
"""Certain answers before a feed has a language."""
CLEAR_SHARE = 0.9
"""Share of its answers that a language needs; below, the feed is a mixed one."""
MEMORY = 200
"""Answers after which all count half, so that a feed may change its language."""


def learn(langs: Mapping[str, int], items: Sequence[Item], detects: Detects) -> dict[str, int]:
    """Count the languages of new entries to those of earlier ones.

    Args:
        langs: answers so far, by language.
        items: what a document brought; revisions of what is known tell nothing new.
        detects: the detector.
    """
    counts = dict(langs)
    for text in _samples([item for item in items if item.revision == 1][:ENTRIES_READ]):
        if lang := detects(text):
            counts[lang] = counts.get(lang, 0) + 1
    if sum(counts.values()) > MEMORY:
        counts = {lang: count // 2 for lang, count in counts.items() if count > 1}
    return counts


def prevailing(langs: Mapping[str, int]) -> str:
    """The language of nearly all entries; "" of a mixed feed, or of one that is hardly known."""
    total = sum(langs.values())
    lang = max(langs, key=lambda lang: (langs[lang], lang), default="")
    return lang if total >= ENOUGH and langs[lang] >= CLEAR_SHARE * total else ""


def _samples(items: Sequence[Item]) -> Iterator[str]:
    """Texts long enough to tell: long entries, and short ones joined."""
    short: list[str] = []
    for item in items:
        text = "\n".join(part for part in (item.title, item.summary or item.body[:2_000]) if part)
        if len(text.split()) >= LONG_WORDS:
            yield text
            continue
        short.append(text)
        if sum(len(each.split()) for each in short) >= 2 * LONG_WORDS:
            yield "\n".join(short)
            short.clear()
