"""Text from outside, made safe: for a terminal, and for what normalises it."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["escaped", "printable", "stream_safe"]

MAX_MARKS = 30
"""Accents on one letter; more than any language needs (stream-safe text, UAX 15). To normalise many
takes quadratic time: 12 s for 256 KiB of them."""

# C0 but tab and line feed, DEL, C1, the marks that reverse the direction of writing, and halves of characters, which
# JSON can hold and no output can write.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Neither letters nor space: all marks that combine are in there.
_MARKS = re.compile(rf"[^\x00-\u02ff\w\s]{{{MAX_MARKS + 1},}}")


def printable(text: str) -> str:
    """Show characters that would steer a terminal as U+FFFD instead of obeying them."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def escaped(document: str) -> str:
    """Write such characters in a JSON document as it has them written: it says the same."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def stream_safe(text: str) -> str:
    """Keep the first marks of each letter, so that normalising takes linear time."""
    return text if text.isascii() else _MARKS.sub(_fewer_marks, text)


def _fewer_marks(found: re.Match[str]) -> str:
    kept, marks = [], 0
    for character in found[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
