"""Where quotation marks open and close.

The same mark opens in one language and closes in another („…“ and “…”, »…« and «…»), so a mark is
read by what stands around it: an opening one follows white space, a dash, a bracket or another
opening mark, and a word follows it at once. An apostrophe within a word is no mark; at its end
("users'") it is one only while a single quotation is open.

A quotation ends at the latest with its block (a line of the text). One that nobody closed goes on to
that end if its marks are double; single ones are given up, since apostrophes look the same.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["DEPTH_LIMIT", "QUOTE_LIMIT", "Marked", "marked"]

QUOTE_LIMIT = 600
"""Characters of a quotation; a longer one is cut at a sentence or word."""
DEPTH_LIMIT = 4
"""Quotations within each other; deeper marks are ignored."""

_MARK = re.compile("[\n\"„“”«»‚‹›'‘’]")
_APOSTROPHES = "'‘’"
_CLOSERS = {
    "„": '“”"',
    "“": '”“"',
    "”": "”",
    '"': '"”“',
    "«": "»",
    "»": "«»",
    "‚": "‘’'",
    "‘": "’'",
    "’": "’",
    "'": "'’",
    "‹": "›",
    "›": "‹›",
}
_SINGLE = frozenset("‚‘’'‹›")
_BEFORE = frozenset("([{-–—/:„“‚‘\"'«»‹›")
_AFTER = frozenset("„“‚‘\"'«»‹›([…@#$€£¿¡.")
_SENTENCE_END = re.compile(r"[.!?…](?= )")


class Marked(NamedTuple):
    """Text between quotation marks."""

    start: int
    """Offset behind the opening mark."""
    end: int
    close: int
    """Offset behind the closing mark; `end` where there is none."""
    closed: bool
    nested: bool = False
    """Whether it stands within another quotation."""


def marked(text: str) -> list[Marked]:
    """All quotations with something in them, in order of their start."""
    found: list[Marked] = []
    pending: list[tuple[str, int]] = []
    for match in _MARK.finditer(text):
        mark, at = match[0], match.start()
        if mark == "\n":
            _give_up(text, at, pending, found)
        elif (
            mark in _APOSTROPHES and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()
        ):
            continue  # "don't"
        elif _opens(text, at, mark, pending):
            _open(mark, at, pending)
        else:
            _close(text, at, mark, pending, found)
    _give_up(text, len(text), pending, found)
    found.sort()
    reached = 0
    for index, quotation in enumerate(found):
        if quotation.start < reached:
            found[index] = quotation._replace(nested=True)
        reached = max(reached, quotation.end)
    return found


def _opens(text: str, at: int, mark: str, pending: list[tuple[str, int]]) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if mark in "„‚":
        return bool(after) and after not in " ,;:)"
    if before and not before.isspace() and before not in _BEFORE:
        return False
    if not after.isalnum() and after not in _AFTER:
        return False
    # Behind a mark that itself closes, this one closes as well: "‚…‘“".
    return not (before and before in _CLOSERS and pending and pending[-1][1] != at - 1)


def _open(mark: str, at: int, pending: list[tuple[str, int]]) -> None:
    """Begin a quotation; one of the same marks that is still open was never closed."""
    if pending and pending[-1][0] == mark:
        pending.pop()
    if len(pending) < DEPTH_LIMIT:
        pending.append((mark, at))


def _close(
    text: str, at: int, mark: str, pending: list[tuple[str, int]], found: list[Marked]
) -> None:
    """End the innermost quotation that the mark fits, and give up what is open within it."""
    for depth in range(len(pending) - 1, -1, -1):
        opener, start = pending[depth]
        if mark in _CLOSERS[opener]:
            if mark in "'’" and _possessive(text, at):
                return
            del pending[depth:]
            _keep(text, start + 1, at, at + 1, found)
            return


def _possessive(text: str, at: int) -> bool:
    """Whether a single mark is the apostrophe of a plural, and another can still close."""
    if text[at - 1 : at] not in ("s", "z", "x") or text[at + 1 : at + 2] != " ":
        return False
    rest = text[at + 1 : at + QUOTE_LIMIT].split("\n", 1)[0]
    return text[at + 2 : at + 3].islower() and _CLOSING_SINGLE.search(rest) is not None


_CLOSING_SINGLE = re.compile(r"[\w.,!?…]['’](?!\w)")


def _give_up(text: str, end: int, pending: list[tuple[str, int]], found: list[Marked]) -> None:
    """End all that is open at the end of a block; only the outermost counts, if it is double."""
    if pending and pending[0][0] not in _SINGLE:
        start = pending[0][1] + 1
        _keep(text, start, end, end, found, closed=False)
    pending.clear()


def _keep(
    text: str,
    start: int,
    end: int,
    close: int,
    found: list[Marked],
    closed: bool = True,
) -> None:
    if end - start > QUOTE_LIMIT:
        end = close = _cut(text, start, start + QUOTE_LIMIT)
        closed = False
    while start < end and text[start].isspace():
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] == ","):
        end -= 1
    if start < end:
        found.append(Marked(start, end, close, closed))


def _cut(text: str, start: int, limit: int) -> int:
    """The last end of a sentence, or else of a word, before the limit."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, limit)]
    if ends:
        return ends[-1]
    space = text.rfind(" ", start, limit)
    return space if space > start else limit
