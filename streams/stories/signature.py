"""What makes two items exact copies of each other."""

from __future__ import annotations

import re

from streams.records import EnrichedItem, stable_id

__all__ = ["signature"]

_WORD = re.compile(r"[^\W_]+")

MINIMUM_WORDS = 5
"""Shorter texts ("Live", "Wetter heute") say too little to be called copies of each other."""


def signature(enriched: EnrichedItem) -> str:
    """Fingerprint of title and summary, regardless of case, punctuation, spacing and markup.

    Returns:
        A 26-character id; empty if the text is too short to compare.
    """
    fields = [f for f in enriched.fields if f.name != "body"] or list(enriched.fields)
    words = [
        word
        for field in fields
        for word in _WORD.findall(enriched.text[field.start : field.end].casefold())
    ]
    return stable_id("signature", *words) if len(words) >= MINIMUM_WORDS else ""
