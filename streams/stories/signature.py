"""What makes two items exact copies of each other."""

from __future__ import annotations

import re

from streams.records import EnrichedItem, stable_id

__all__ = ["signature"]

_WORD = re.compile(r"[^\W_]+")

MINIMUM_WORDS = 5
"""Shorter texts ("Live", "Wetter heute") say too little to be called copies of each other."""

BODY_WORDS = 50
"""Of the body, where there is no summary: headlines such as "Der Tag im Überblick" return daily."""


def signature(enriched: EnrichedItem) -> str:
    """Fingerprint of title and summary, regardless of case, punctuation, spacing and markup.

    Without a summary the beginning of the body counts in its place.

    Returns:
        A 26-character id; empty if the text is too short to compare.
    """
    words = {
        field.name: _WORD.findall(enriched.text[field.start : field.end].casefold())
        for field in enriched.fields
    }
    told = words.get("summary") or words.get("body", [])[:BODY_WORDS]
    all_words = [*words.get("title", []), *told]
    return stable_id("signature", *all_words) if len(all_words) >= MINIMUM_WORDS else ""
