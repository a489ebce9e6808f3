"""Which part a watched figure plays in an item, and what it says there.

A figure has the strongest part of its mentions:

speaker
    a quotation is its own (`streams.enrich.quotes`); for an organisation, its spokesman's too.
subject
    it opens the title, or a clause in which a finite verb follows; it stands behind the verb of a
    German clause that something else opens; it is the agent of a passive ("von X", "by X").
object
    something is done to it, said about it, or belongs to it: any other place in a clause, a genitive,
    the words of somebody else's quotation, and compounds that stand for it ("die Trump-Regierung",
    "Meta shares").
passing
    it only occurs: in brackets or between dashes, in a list of three or more names, as an example
    ("wie X", "such as X"), as any other part of a compound ("Meta-Chef", "Trump adviser"), in a
    photo caption, in the last sentence of a long item.

There is no parser: words, punctuation, small word lists and German word order have to do. That goes
wrong where a German object opens the clause without an article that shows it ("Merz kritisiert
Scholz" turned round), where an English headline leaves the verb out or writes it like a noun
("Nordwerk plans"), in long insertions between subject and verb, with "sie" for several people, and
with subjects that are only described ("der Konzernchef").
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from streams.enrich.clauses.phrases import JOINTS
from streams.enrich.clauses.places import Place, Scene, modifies, part_in_clause
from streams.enrich.clauses.small_words import folded
from streams.enrich.clauses.speech_verbs import SPOKES
from streams.enrich.quotes import Quotation, find_quotes
from streams.enrich.text import Document
from streams.records import Evidence, FigureHit, Quote

__all__ = ["QUOTES_KEPT", "with_roles"]

QUOTES_KEPT = 3
"""Quotes per figure."""
LONG_ITEM = 12
"""Sentences from which on the last one counts as an afterthought."""
ASIDE_LENGTH = 160
"""Characters between two dashes, or in brackets, at most."""
CAPTION_LENGTH = 300
"""Characters of a block that may be a caption."""

Role = Literal["speaker", "subject", "object", "passing"]
_STRENGTH: dict[Role, int] = {"speaker": 3, "subject": 2, "object": 1, "passing": 0}

_CAPTION = re.compile(
    r"\b(?:(?:Archiv|Symbol|Agentur)?(?:[Ff]oto|[Bb]ild)|Photo(?:graph)?|Picture|Image|Credit|"
    r"Bildquelle|Fotograf)\s?:|\b(?:Getty Images|AP Photo|File photo|\(Archivbild\)|"
    r"dpa/|AFP/|REUTERS/|IMAGO/)"
)
_CAPTION_WORDS = folded("""
    foto bild archivfoto archivbild symbolfoto symbolbild agenturfoto agenturbild bildquelle fotograf
    photo photograph picture image credit getty dpa afp reuters imago
""")
_NO_LETTERS = re.compile(r"\W+")
_DASH = re.compile(r" [–—-] ")


class _Reading(NamedTuple):
    """What is known of a document while its figures are looked at."""

    document: Document
    scene: Scene
    quotations: tuple[Quotation, ...]
    attributed: tuple[Quotation, ...]
    """Those with a speaker."""
    captioned: bool
    """Whether any word speaks of a photo."""


def with_roles(document: Document, lang: str, hits: Iterable[FigureHit]) -> tuple[FigureHit, ...]:
    """The same hits, each with its role and its quotes.

    Args:
        document: the text in which they were found.
        lang: primary language, or "und"; English clauses are read differently.
        hits: figures with their mentions; those without any are passed on as they are.
    """
    found = tuple(hits)
    if not found:
        return found
    words = document.words
    places = {
        (place.start, place.end): Place(
            bisect_right(words.starts, place.start) - 1, bisect_left(words.starts, place.end) - 1
        )
        for hit in found
        for place in hit.mentions
    }
    taken = {place.last for place in places.values()}
    quotations = find_quotes(document)
    reading = _Reading(
        document=document,
        scene=Scene(words, lang == "en", taken, places),
        quotations=quotations,
        attributed=tuple(q for q in quotations if q.speaker_start is not None),
        captioned=not _CAPTION_WORDS.isdisjoint(words.keys),
    )
    return tuple(_cast(hit, reading) if hit.mentions else hit for hit in found)


def _cast(hit: FigureHit, reading: _Reading) -> FigureHit:
    quotes = _quotes(hit, reading)
    role: Role = "speaker" if quotes else _strongest(hit, reading)
    return msgspec.structs.replace(hit, role=role, quotes=quotes)


# --- what it says -----------------------------------------------------------------------------


def _quotes(hit: FigureHit, reading: _Reading) -> tuple[Quote, ...]:
    """The quotations of a figure: direct speech first, then by place; told in text order."""
    own = [quotation for quotation in reading.attributed if _is_theirs(quotation, hit, reading)]
    if not own:
        return ()
    own.sort(key=lambda quotation: quotation.kind != "direct")
    text = reading.document.text
    return tuple(
        Quote(
            text=text[quotation.start : quotation.end],
            start=quotation.start,
            end=quotation.end,
            speaker=text[quotation.speaker_start : quotation.speaker_end],
            kind=quotation.kind,
        )
        for quotation in sorted(own[:QUOTES_KEPT])
    )


def _is_theirs(quotation: Quotation, hit: FigureHit, reading: _Reading) -> bool:
    """Whether the speaker of a quotation is the figure, and not its adviser."""
    start, end = quotation.speaker_start or 0, quotation.speaker_end or 0
    within = [place for place in hit.mentions if start <= place.start and place.end <= end]
    if not within:
        return False
    text = reading.document.text
    named = any(
        place.end == end and not place.inflection and not _is_complement(text[start : place.start])
        for place in within
    )
    if hit.kind == "person":
        return named
    if quotation.kind == "reported" and text[end : end + 1] == ":":
        return False  # "Veltron: Konzern soll …" names the topic more often than the speaker
    return named or _is_spokesman(text[start:end])


def _is_complement(before: str) -> bool:
    """Whether the words before a name make it the end of "Sprecher von X"."""
    return before.rstrip().rpartition(" ")[2].lower() in JOINTS


def _is_spokesman(speaker: str) -> bool:
    return any(word.endswith(SPOKES) for word in _NO_LETTERS.split(speaker.lower()))


# --- what part it plays -----------------------------------------------------------------------


def _strongest(hit: FigureHit, reading: _Reading) -> Role:
    """The strongest role of a figure that says nothing."""
    best: Role = "passing"
    for mention in hit.mentions:
        role = _role(mention, reading)
        if _STRENGTH[role] > _STRENGTH[best]:
            best = role
            if best == "subject":
                break
    return best


def _role(mention: Evidence, reading: _Reading) -> Role:
    scene = reading.scene
    place = scene.places[mention.start, mention.end]
    part = modifies(scene, place, mention.compound)
    if part:
        return "object" if part == "stands for it" else "passing"
    if _occurs(mention, reading):
        return "passing"
    if mention.inflection or _is_spoken_of(mention, reading.quotations):
        return "object"
    return part_in_clause(scene, place, _sentence(mention, reading), mention.field == "title")


def _sentence(mention: Evidence, reading: _Reading) -> tuple[int, int]:
    """The sentence of a mention as words, end exclusive."""
    number = max(bisect_right(reading.document.sentence_starts, mention.start) - 1, 0)
    start, end = reading.document.sentences[number]
    starts = reading.document.words.starts
    return bisect_left(starts, start), bisect_left(starts, end)


def _is_spoken_of(mention: Evidence, quotations: Sequence[Quotation]) -> bool:
    """Whether a mention stands in somebody's direct speech."""
    return any(
        quotation.kind == "direct" and quotation.start <= mention.start < quotation.end
        for quotation in quotations
    )


def _occurs(mention: Evidence, reading: _Reading) -> bool:
    """Whether a mention is an aside, a caption or an afterthought."""
    document = reading.document
    number = max(bisect_right(document.sentence_starts, mention.start) - 1, 0)
    if number >= LONG_ITEM - 1 and number == len(document.sentences) - 1:
        return True
    start, end = document.sentences[number]
    before = document.text[max(start, mention.start - ASIDE_LENGTH) : mention.start]
    behind = document.text[mention.end : min(end, mention.end + ASIDE_LENGTH)]
    if before.rfind("(") > before.rfind(")") and ")" in behind:
        return True
    if len(_DASH.findall(before)) % 2 and _DASH.search(behind):
        return True
    return reading.captioned and _is_caption(document.text, mention.start)


def _is_caption(text: str, at: int) -> bool:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - start <= CAPTION_LENGTH and _CAPTION.search(text, start, end) is not None
