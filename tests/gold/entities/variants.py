"""Other forms of a labelled sentence: other names, headlines, missing umlauts, other quotation marks.

Each time the training reads a sentence it may get another form, so that the model learns how names are
used and not which there are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from random import Random

from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.training import Example
from spacy.util import filter_spans, registry
from spacy.vocab import Vocab

from streams.enrich.entity_models import tokenizer_of
from tests.gold.entities.name_lists import NameLists
from tests.gold.entities.sentences import Sentence, Span

__all__ = ["SHARES", "varied"]

SHARES = {
    "names": 0.5,
    "title case": 0.06,
    "upper case": 0.03,
    "no umlauts": 0.03,
    "quotes": 0.1,
    "no full stop": 0.15,
}
"""How many of the sentences are changed in which way."""
NAME_SHARE = {"PER": 0.6, "LOC": 0.35, "ORG": 0.35}
"""How many of the names in a sentence with other names are replaced. Countries and great organisations are
met every day, so most stay."""
KNOWN_SHARE = 0.3
"""How many of the organisations and places that are put in are those of everyday news."""
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}
)
_QUOTES = {
    "de": (("„", "“"), ("»", "«"), ('"', '"'), ("“", "”"), ("«", "»")),
    "en": (("“", "”"), ('"', '"'), ("‘", "’"), ("'", "'")),
}


@registry.augmenters("wirewatch.variants.v1")
def create_variants(seed: int) -> Callable[[Language, Example], Iterator[Example]]:
    """A spaCy augmenter; reads language and text of the examples, one sentence each."""
    random, lists = Random(seed), NameLists()

    def variants(nlp: Language, example: Example) -> Iterator[Example]:
        doc = example.reference
        spans = tuple(Span(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)
        missing = any(token.ent_iob == 0 for token in doc)
        if missing:  # what is unclear must stay where it is
            yield example
            return
        sentence = varied(
            Sentence(doc.text, spans, doc.user_data.get("lang", "de"), ""), lists, random
        )
        tokens = _tokenizer(sentence.lang, nlp.vocab)
        changed = tokens(sentence.text)
        found = [
            changed.char_span(span.start, span.end, label=span.label, alignment_mode="expand")
            for span in sentence.spans
        ]
        changed.set_ents(filter_spans([span for span in found if span is not None]))
        yield Example(tokens(sentence.text), changed)

    return variants


@functools.cache
def _tokenizer(lang: str, vocab: Vocab) -> Tokenizer:
    return tokenizer_of(lang, vocab)


def varied(sentence: Sentence, lists: NameLists, random: Random) -> Sentence:
    """The sentence, perhaps in another form."""
    lang = sentence.lang if sentence.lang in _QUOTES else "en"
    if random.random() < SHARES["names"]:
        sentence = _replaced(
            sentence, functools.partial(_other_name, lang=lang, lists=lists, random=random)
        )
    if random.random() < SHARES["no full stop"]:
        sentence = _without_full_stop(sentence)
    if random.random() < SHARES["quotes"]:
        sentence = _other_quotes(sentence, lang, random)
    if random.random() < SHARES["no umlauts"] and lang == "de":
        sentence = _mapped(sentence, lambda part: part.translate(_UMLAUTS))
    if lang == "en" and random.random() < SHARES["title case"]:
        sentence = _mapped(sentence, _title_case)
    if random.random() < SHARES["upper case"]:
        sentence = _mapped(sentence, str.upper)
    return sentence


def _other_name(surface: str, label: str, *, lang: str, lists: NameLists, random: Random) -> str:
    """Another name for this one, or the same."""
    if random.random() > NAME_SHARE.get(label, 0.0):
        return surface
    words = surface.split()
    if label in ("ORG", "LOC") and random.random() < KNOWN_SHARE:
        return lists.known(label, lang, random)
    if label == "PER" and len(words) <= 4 and "." not in words[0][:-1]:
        new = lists.person(len(words), lang, random)
    elif label == "LOC" and len(words) == 1 and not surface.isupper():
        new = lists.city(lang, random)
    elif label == "ORG":
        new = lists.organisation(lang, random)
    else:
        return surface
    if lang == "de" and _is_genitive(surface) and not new.endswith(("s", "x", "z", "ß")):
        new += "s"
    return new


def _is_genitive(surface: str) -> bool:
    """Whether a German name looks like one with the s of the genitive ("Deutschlands", "Merkels")."""
    return len(surface) > 4 and surface.endswith(
        ("lands", "els", "ings", "ins", "ons", "ers", "ens", "bergs", "burgs")
    )


def _replaced(sentence: Sentence, other: Callable[[str, str], str]) -> Sentence:
    """The sentence with other names; a name that comes twice is replaced by one name."""
    text, spans, position = "", [], 0
    drawn: dict[tuple[str, str], str] = {}
    for span in sentence.spans:
        surface = sentence.text[span.start : span.end]
        key = (surface, span.label)
        if key not in drawn:
            drawn[key] = other(surface, span.label)
        text += sentence.text[position : span.start]
        spans.append(Span(len(text), len(text) + len(drawn[key]), span.label))
        text += drawn[key]
        position = span.end
    return sentence._replace(text=text + sentence.text[position:], spans=tuple(spans))


def _mapped(sentence: Sentence, change: Callable[[str], str]) -> Sentence:
    """The sentence with each part, in and between its entities, changed."""
    text, spans, position = "", [], 0
    for span in sentence.spans:
        text += change(sentence.text[position : span.start])
        surface = change(sentence.text[span.start : span.end])
        spans.append(Span(len(text), len(text) + len(surface), span.label))
        text += surface
        position = span.end
    return sentence._replace(text=text + change(sentence.text[position:]), spans=tuple(spans))


def _title_case(part: str) -> str:
    """Every word of four letters and more with a capital, as in English headlines."""
    return " ".join(
        word[:1].upper() + word[1:] if len(word) > 3 else word for word in part.split(" ")
    )


def _without_full_stop(sentence: Sentence) -> Sentence:
    """The sentence as a headline ends, if its full stop belongs to no name."""
    belongs = sentence.spans and sentence.spans[-1].end == len(sentence.text)
    if belongs or not sentence.text.endswith("."):
        return sentence
    return sentence._replace(text=sentence.text[:-1])


def _other_quotes(sentence: Sentence, lang: str, random: Random) -> Sentence:
    """The sentence with all its double quotation marks in another style, of the same length."""
    opening, closing = random.choice(_QUOTES[lang])
    text, inside = "", False
    for letter in sentence.text:
        if letter == '"':
            text += closing if inside else opening
            inside = not inside
        elif letter in "„»“”«":
            # An opening mark stands before what it opens; the styles share signs, so count instead.
            text += closing if inside else opening
            inside = not inside
        else:
            text += letter
    return sentence._replace(text=text)
