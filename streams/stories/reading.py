"""The words of an item, cut once for everything that compares them."""

from __future__ import annotations

import re
from typing import NamedTuple

from streams.records import EnrichedItem

__all__ = ["Reading", "read"]

LONGEST_FIELD = 4_000
"""Characters read of a field: what is compared stands at its beginning."""

_WORD = re.compile(r"[^\W_]+(?:[.,:]\d+)*")


class Reading(NamedTuple):
    """Words and numbers of the fields, in the order in which and as they stand there."""

    title: list[str]
    summary: list[str]
    body: list[str]

    @property
    def told(self) -> list[str]:
        """All behind the title."""
        return [*self.summary, *self.body]


def read(enriched: EnrichedItem) -> Reading:
    """Cut the text of an item into words; "1.200" and "14:30" are one each."""
    words: dict[str, list[str]] = {"title": [], "summary": [], "body": []}
    for field in enriched.fields:
        end = min(field.end, field.start + LONGEST_FIELD)
        words[field.name] += _WORD.findall(enriched.text[field.start : end])
    return Reading(**words)
