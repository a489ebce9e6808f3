"""Numbered news for the chaos runs: the same items for the same seed. Pure.

Most items begin a story of their own; some are copies from another feed, some revise an item, some name two
figures or nobody watched, some are German. All are seen within nine minutes, about as fast as they are sent.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec

from streams.records import Figure, Item, stable_id
from streams.testing import NOW, make_item
from streams.wire import encode

__all__ = ["FATAL", "HUGE", "POISON", "SLOW", "news", "poison"]

POISON = b"poison-"
"""Begins the key of every record that no stage can process."""
FATAL, HUGE, SLOW = "FATAL", "OVERSIZED", "TAKES ITS TIME"
"""In the titles of items with which `tests.chaos.worker` does harm: its pool process dies, its output is too
large, its output waits."""
DEADLY_EVERY = 20
SPAN = timedelta(minutes=9)
NEW_SHARE = 0.015
"""Of words that nobody has read before: in 100,000 items of 25 words about so many (Heaps' law, V = 44 sqrt(n))."""
REACH = 200
"""Items that may yet be copied or revised."""

_SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstvw" for vowel in "aeiou"]
_ENGLISH = (
    "{figure} in {one} speaks for a law on artificial intelligence that {two} rejects",
    "Regulator in {one} asks {figure} about artificial intelligence and {two}",
    "{figure} warns {one} of new AI rules, {two} agrees",
    "{figure} and content moderation: {one} fines platform over {two}",
)
_GERMAN = (
    "{figure} will in {one} ein KI-Gesetz, {two} zögert",
    "Aufsicht in {one} prüft künstliche Intelligenz von {figure} und {two}",
)
_NOBODY = "Football club {one} beats {two} in the rain"


def news(
    count: int,
    seed: int,
    figures: Sequence[Figure],
    *,
    slow_every: int = 400,
    vocabulary: int = 0,
    first: int = 0,
) -> Iterator[Item]:
    """Make items, numbered in the order in which they are seen.

    Args:
        count: how many, revisions included.
        seed: of all choices.
        figures: watched ones, who are named.
        slow_every: one in so many is an item whose outputs wait, the first one included.
        vocabulary: how many names and words there are, as in a language, but for a few that are new; 0: hardly
            any ever comes twice.
        first: number of the first one.
    """
    dice = random.Random(seed)
    speech = _Speech(dice, vocabulary)
    lately: list[Item] = []
    for number in range(first, first + count):
        kind = dice.random()
        if lately and kind < 0.1:
            place = dice.randrange(len(lately))
            earlier = lately[place]
            item = lately[place] = msgspec.structs.replace(
                earlier, revision=earlier.revision + 1, summary=speech.words(9)
            )
        else:
            copied = lately and kind < 0.3
            item = (
                _copy(dice.choice(lately), number, dice)
                if copied
                else _own(number, dice, figures, speech)
            )
            lately.append(item)
            del lately[:-REACH]
        if number % slow_every == 0:
            item = msgspec.structs.replace(item, summary=f"{item.summary} {SLOW}")
        yield msgspec.structs.replace(item, seen_at=NOW + SPAN * ((number - first) / count))


def _own(number: int, dice: random.Random, figures: Sequence[Figure], speech: _Speech) -> Item:
    """An item that begins a story."""
    german = dice.random() < 0.3
    figure, other = (each.name for each in dice.sample(figures, 2))
    text = dice.choice(_GERMAN if german else _ENGLISH)
    if dice.random() < 0.1:
        text, german = _NOBODY, False
    named = f"{figure} and {other}" if not german and dice.random() < 0.1 else figure
    title = text.format(figure=named, one=speech.name(), two=speech.name())
    return make_item(
        number=number,
        feed_id=f"feed-{dice.randrange(12)}",
        tier=1 + dice.randrange(3),
        title=title,
        summary=f"{speech.words(10)} {speech.name()} {speech.words(6)} {speech.name()}, {speech.name()}.",
        lang="de" if german else "en",
        url=f"https://news.example/{number}",
    )


def _copy(original: Item, number: int, dice: random.Random) -> Item:
    """The same text from another feed."""
    return msgspec.structs.replace(
        original,
        item_id=stable_id("item", str(number)),
        feed_id=f"feed-{dice.randrange(12)}",
        revision=1,
        url=f"https://news.example/{number}",
    )


class _Speech:
    """Names and words of syllables."""

    def __init__(self, dice: random.Random, vocabulary: int) -> None:
        self._dice = dice
        own = random.Random(vocabulary)
        self._names = [_syllables(own, 4).capitalize() for _ in range(vocabulary)]
        self._known = [_syllables(own, own.randint(2, 4)) for _ in range(vocabulary)]
        """The most frequent first: the frequency falls with the rank, as in any language (Zipf's law)."""

    def name(self) -> str:
        if self._names and self._dice.random() >= NEW_SHARE:
            return self._dice.choice(self._names)
        return _syllables(self._dice, 4).capitalize()

    def words(self, count: int) -> str:
        return " ".join(self._word() for _ in range(count))

    def _word(self) -> str:
        if self._known and self._dice.random() >= NEW_SHARE:
            return self._known[int(len(self._known) ** self._dice.random()) - 1]
        return _syllables(self._dice, self._dice.randint(2, 4))


def _syllables(dice: random.Random, count: int) -> str:
    return "".join(dice.choices(_SYLLABLES, k=count))


def poison(number: int) -> tuple[bytes, bytes]:
    """Key and value of the record of that number that cannot be processed.

    Of four kinds in turn, of which the deadly one is mostly left out: each costs three starts of a process.
    """
    kinds = (
        encode(make_item(number=-1 - number, title=f"{FATAL} text {number}")),
        b"\xff\xfe not a text \x00",
        b'{"item_id": 1}',
        encode(make_item(number=-1 - number, title=f"{HUGE} text {number}")),
    )
    kind = 1 + number % 3 if number % DEADLY_EVERY else 0
    return POISON + str(number).encode(), kinds[kind]
