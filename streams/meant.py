"""What may have been meant by a word that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["close_ids", "did_you_mean"]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A cure that names the word spelled most alike; "" if none is."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def close_ids(given: str, known: Iterable[str]) -> list[str]:
    """Ids that may have been meant: containing what was given, or else spelled alike."""
    ids = sorted(known)
    holding = [each for each in ids if given.lower() in each][:3] if given else []
    return holding or difflib.get_close_matches(given.lower(), ids, n=3)
