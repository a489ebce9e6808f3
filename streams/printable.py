"""Text from outside, made safe for a terminal."""

from __future__ import annotations

import re

__all__ = ["printable"]

# C0 but tab and line feed, DEL, C1, and the marks that reverse the direction of writing.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Show characters that would steer a terminal as U+FFFD instead of obeying them."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)
