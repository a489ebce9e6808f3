"""A watchlist tried on a text: who is found and why, and which names are seen but do not count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from msgspec import Struct

from streams.enrich.figures import FigureMatcher, is_possible
from streams.enrich.language import detect
from streams.enrich.name_trie import NameTrie, Place
from streams.enrich.names import capitals, path_of, spellings, stated_names
from streams.enrich.text import Document, make_document
from streams.enrich.wording import clause_of
from streams.enrich.words import Words
from streams.records import Figure, FigureHit, Name, Reason

__all__ = ["Overlooked", "Trial", "Tried"]

CUES_TOLD = 3
"""Cues that are named as examples."""


class Overlooked(Struct, frozen=True):
    """A name in a text that does not count."""

    figure_id: str
    surface: str
    start: int
    end: int
    """Offsets into the text, in code points."""
    name: str
    """The name in its dictionary form."""
    why: str
    reasons: tuple[Reason, ...] = ()
    """What was weighed, in log-odds; empty where the name was not weighed."""


class Tried(Struct, frozen=True):
    """What a watchlist makes of a text."""

    text: str
    lang: str
    figures: tuple[FigureHit, ...]
    not_counted: tuple[Overlooked, ...]


class _Meaning(NamedTuple):
    """What a phrase of the watchlist is to a figure."""

    figure: Figure
    role: Literal["name", "blocker"]
    name: Name


class Trial:
    """A watchlist, ready to be tried on texts."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        figures = tuple(figures)
        self._matcher = FigureMatcher(figures)
        self._phrases: NameTrie[_Meaning] = NameTrie()
        for figure in figures:
            for meaning in _meanings(figure):
                self._phrases.add(path_of(meaning.name.surface), meaning)

    def on(self, text: str, lang: str = "") -> Tried:
        """Try the watchlist on a text.

        Args:
            text: as it stands in an item; markup is removed.
            lang: declared language, a hint as for an item.
        """
        document = make_document("", "", text)
        found_lang, _ = detect(document.text, declared=lang)
        hits = self._matcher.find(document, found_lang)
        weighed = _too_light(self._matcher, document, found_lang)
        words = Words(document.text)
        places = list(self._phrases.places(words))
        overlooked: dict[tuple[str, int, int], Overlooked] = {}
        for place in places:
            figure_id = place.payload.figure.figure_id
            key = (figure_id, place.start, place.end)
            if place.payload.role == "name" and key not in overlooked and not _counts(place, hits):
                reasons = weighed.get((figure_id, place.start), ())
                why = _why(place, places, reasons, words)
                if why:
                    overlooked[key] = Overlooked(
                        figure_id,
                        document.text[place.start : place.end],
                        place.start,
                        place.end,
                        place.payload.name.surface,
                        why,
                        reasons,
                    )
        ordered = sorted(overlooked.values(), key=lambda each: (each.start, each.figure_id))
        return Tried(document.text, found_lang, hits, tuple(ordered))


def _too_light(
    matcher: FigureMatcher, document: Document, lang: str
) -> dict[tuple[str, int], tuple[Reason, ...]]:
    """What the matcher weighed and found too light, by figure and start."""
    return {
        (weighed.figure.figure_id, weighed.mention.place.start): weighed.reasons
        for weighed in matcher.weigh(document, lang)
        if not is_possible(weighed)
    }


def _meanings(figure: Figure) -> Iterator[_Meaning]:
    yield from (_Meaning(figure, "name", name) for name in spellings(figure))
    if figure.active:
        for surface in figure.blockers:
            yield _Meaning(figure, "blocker", Name(surface=surface, kind="word"))


def _counts(place: Place[_Meaning], hits: Iterable[FigureHit]) -> bool:
    """Whether the place is, or lies in, one that was counted for the same figure."""
    return any(
        mention.start <= place.start and place.end <= mention.end
        for hit in hits
        if hit.figure_id == place.payload.figure.figure_id
        for mention in hit.mentions
    )


# --- why not ----------------------------------------------------------------------------------


def _why(
    place: Place[_Meaning],
    places: Iterable[Place[_Meaning]],
    reasons: Sequence[Reason],
    words: Words,
) -> str:
    """Why a name does not count; "" where a longer name of the same figure tells it."""
    figure, _, name = place.payload
    if not figure.active:
        return "the figure is switched off"
    if name.strength == "never":
        return f"the name {name.surface!r} is switched off"
    if not _capitals_fit(place, words):
        return f"it is written without the capitals of {name.surface!r}"
    around = [other for other in places if _lies_in(place, other) and _capitals_fit(other, words)]
    for role, what in (("blocker", "a blocker"), ("name", "a name")):
        for longer in (other.payload for other in around if other.payload.role == role):
            if role == "name" and longer.figure.figure_id == figure.figure_id:
                return ""
            return f"it is part of {longer.name.surface!r}, {what} of {longer.figure.figure_id}"
    against = [reason for reason in reasons[1:] if reason.weight < 0]
    if against:
        worst = min(against, key=lambda reason: reason.weight)
        return f"more speaks against it than for it ({clause_of(worst)})"
    return _missing(figure, name)


def _capitals_fit(place: Place[_Meaning], words: Words) -> bool:
    _, role, name = place.payload
    demands = capitals(name.surface) if role == "name" and name.case == "cap" else ()
    for index, demanded in zip(range(place.first, place.last + 1), demands, strict=False):
        raw = words.text[words.starts[index] : min(words.ends[index], place.end)]
        if (demanded == 1 and not raw[0].isupper()) or (demanded == 2 and not raw.isupper()):
            return False
    return True


def _lies_in(place: Place[_Meaning], other: Place[_Meaning]) -> bool:
    longer = other.end - other.start > place.end - place.start
    return longer and other.start <= place.start and place.end <= other.end


def _missing(figure: Figure, name: Name) -> str:
    """What a name would need to count."""
    full = (each.surface for each in stated_names(figure) if each.kind == "full" != name.kind)
    cues = ", ".join(map(repr, figure.cues[:CUES_TOLD]))
    more = ", …" if len(figure.cues) > CUES_TOLD else ""
    ways = [
        *(f"the full name {surface!r} elsewhere" for surface in islice(full, 1)),
        *(f"a title ({title!r}) before it" for title in figure.titles[:1]),
        *([f"a cue ({cues}{more})"] if cues else []),
    ]
    examples = f", such as {' or '.join(ways)}" if ways else ""
    return f"it needs more support{examples}"
