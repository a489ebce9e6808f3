"""Finding many terms in a text at once, whatever their inflection.

How a term is written decides what it matches
    - "sperren": any inflected form of the word, in either case ("Gesperrt", "sperrte").
    - "einschränken": also separated, as German main clauses do it ("schränkt die Reichweite ein").
    - "Beitrag", "Meta": inflected forms with a capital ("Beiträge", "META", never "meta").
    - "KI", "NetzDG", "X": two capitals or a single letter: exactly so, with a genitive or plural
      "s" at most.
    - "*behörde", "Deepfake*", "Daten*gesetz", "KI-*": one word or hyphen compound that ends, opens,
      or does both so; the star stands for anything, nothing included.
    - Several words: in that order, with nothing but white space, hyphens, or a dot or apostrophe
      without spaces between them ("Character.AI", "snooper's charter").

What a word can mean is worked out when it is first met and kept; news repeats its words.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from simplemma import Lemmatizer
from simplemma.strategies import DefaultStrategy
from simplemma.strategies.dictionaries.stream_dictionary_factory import StreamDictionaryFactory

from streams.enrich.words import LONGEST_WORD, Words

__all__ = ["Hit", "TermIndex"]

P = TypeVar("P")

WORDS_KEPT = 100_000
"""Words whose meaning is kept; a large vocabulary of a newspaper."""


class Hit(NamedTuple, Generic[P]):
    """A term in a text; `first` and `last` are numbers of words, both inclusive."""

    start: int
    end: int
    first: int
    last: int
    term: str
    payload: P


class _Node(Generic[P]):
    """A place in the trie of multi-word terms."""

    __slots__ = ("children", "found")

    def __init__(self) -> None:
        self.children: dict[str, _Node[P]] = {}
        self.found: list[tuple[str, P, str]] = []
        """Term, payload, and the particle that must follow later in the clause, or ""."""


class _Meaning(NamedTuple, Generic[P]):
    """What a word can be in a term."""

    terms: tuple[tuple[str, P], ...]
    separable: tuple[tuple[str, P, str], ...]
    """Verbs of which it is the stem, with the particle that must close the clause."""
    opens: tuple[_Node[P], ...]
    """Where terms of several words go on that it opens."""
    continues: tuple[str, ...]
    """Keys under which it may stand as a later word of one."""


class TermIndex(Generic[P]):
    """An index of (term, payload) pairs for texts in the given languages.

    Args:
        entries: terms in their dictionary form, and what to return when they are found.
        langs: languages whose inflections are understood, among "de" and "en".
    """

    def __init__(self, entries: Iterable[tuple[str, P]], langs: tuple[str, ...]) -> None:
        self._langs = langs
        self._root: _Node[P] = _Node()
        self._continuing: set[str] = set()
        self._globs: dict[str, list[tuple[str, str, P]]] = {}
        for term, payload in entries:
            if "*" in term:
                self._add_glob(term, payload)
            else:
                self._add_words(term, payload)
        self._known: dict[str, _Meaning[P] | None] = {}
        self._starred = functools.lru_cache(maxsize=WORDS_KEPT)(self._matching_globs)

    def find(self, words: Words) -> list[Hit[P]]:
        """All places of all terms, overlapping ones included, in the order of their start."""
        hits: list[Hit[P]] = []
        known, starts, ends = self._known, words.starts, words.ends
        meanings = [known[raw] if raw in known else self._learn(raw) for raw in words.raws]
        following = [*meanings[1:], None]
        for first, meaning in enumerate(meanings):
            if meaning is None:
                continue
            if meaning.terms:
                start, end = starts[first], ends[first]
                hits += [Hit(start, end, first, first, term, p) for term, p in meaning.terms]
            after = following[first]
            if meaning.opens and after is not None and after.continues:
                hits += self._longer(words, first, meaning.opens, meanings)
            if meaning.separable:
                hits += self._separated(words, first, meaning)
        tied = words.hyphens()
        compounds = list(self._compounds(words, tied)) if tied else []
        if compounds:
            hits += compounds
            hits.sort(key=_by_start)
        return hits

    def _longer(
        self,
        words: Words,
        first: int,
        nodes: Sequence[_Node[P]],
        meanings: Sequence[_Meaning[P] | None],
    ) -> list[Hit[P]]:
        """Terms of several words that a word opens."""
        found: list[Hit[P]] = []
        last = first
        while nodes and last + 1 < len(meanings):
            between, meaning = words.between(last), meanings[last + 1]
            if meaning is None or (between != " " and not _BETWEEN.fullmatch(between)):
                break
            last += 1
            nodes = [
                node.children[key]
                for node in nodes
                for key in meaning.continues
                if key in node.children
            ]
            start, end = words.starts[first], words.ends[last]
            for node in nodes:
                found += [Hit(start, end, first, last, term, p) for term, p, _ in node.found]
        return found

    def _separated(self, words: Words, first: int, meaning: _Meaning[P]) -> list[Hit[P]]:
        """Verbs whose particle closes the clause."""
        start, end = words.starts[first], words.ends[first]
        return [
            Hit(start, end, first, first, term, payload)
            for term, payload, particle in meaning.separable
            if _clause_ends_with(particle, words, first)
        ]

    def _add_words(self, term: str, payload: P) -> None:
        self._node(Words(term).raws).found.append((term, payload, ""))
        separable = _SEPARABLE.fullmatch(term) if "de" in self._langs else None
        if separable:
            particle = separable[1].replace("wiederher", "wieder her")
            self._node([separable[2]]).found.append((term, payload, particle))

    def _node(self, words: list[str]) -> _Node[P]:
        node = self._root
        for number, word in enumerate(words):
            key = _term_key(word)
            node = node.children.setdefault(key, _Node())
            if number:
                self._continuing.add(key)
        return node

    def _add_glob(self, term: str, payload: P) -> None:
        prefix, _, suffix = term.partition("*")
        key = f"={prefix}" if _is_acronym(prefix) else prefix.casefold()
        self._globs.setdefault(key, []).append((suffix.casefold(), term, payload))

    def _learn(self, raw: str) -> _Meaning[P] | None:
        """Work out what a word can mean, and keep it."""
        if len(raw) > LONGEST_WORD:
            return None
        if len(self._known) >= WORDS_KEPT:
            self._known.clear()
        children, keys = self._root.children, _keys(raw, self._langs)
        nodes = [children[key] for key in keys if key in children]
        found = [each for node in nodes for each in node.found]
        meaning = _Meaning(
            tuple((term, payload) for term, payload, particle in found if not particle)
            + tuple(self._starred(raw)),
            tuple(each for each in found if each[2]),
            tuple(node for node in nodes if node.children),
            tuple(key for key in keys if key in self._continuing),
        )
        self._known[raw] = meaning if any(meaning) else None
        return self._known[raw]

    def _compounds(self, words: Words, tied: list[int]) -> Iterator[Hit[P]]:
        """Terms with a star in the hyphen compounds of a text, parts of compounds included."""
        ties = set(tied)
        for first in tied:
            last = first
            while last in ties and last - first < _MAX_PARTS - 1:
                last += 1
                start, end = words.starts[first], words.ends[last]
                if end - start > 2 * LONGEST_WORD:
                    break
                for term, payload in self._starred(words.text[start:end]):
                    yield Hit(start, end, first, last, term, payload)

    def _matching_globs(self, word: str) -> list[tuple[str, P]]:
        found: dict[str, tuple[str, P]] = {}
        for key in _compound_keys(word, self._langs):
            for length in range(len(key) + 1):
                for suffix, term, payload in self._globs.get(key[:length], ()):
                    if key.endswith(suffix) and length + len(suffix) <= len(key):
                        found[f"{term} {payload}"] = (term, payload)
        return list(found.values())


# --- words ---------------------------------------------------------------------------------

_BETWEEN = re.compile(r"[ \u00a0]|[-‐‑–][ ]?|[.'’]")
_MAX_PARTS = 4
"""Parts of a hyphen compound that are looked at together."""
MAX_CLAUSE = 16
"""Words after a separated verb among which its particle is looked for."""
_SEPARABLE = re.compile(
    "(ab|an|auf|aus|durch|ein|frei|heraus|herunter|mit|nach|raus|vor|weiter|wiederher|zurück|zu)"
    "([a-zäöüß]{3,}(?:en|ern|eln))"
)
_CLAUSE_END = re.compile(r"\s*(?:$|[\n.,;:!?…–—\"“”»«)]|und\b|oder\b)")
_ENDINGS = {"de": ("s", "es"), "en": ("s", "es", "ed", "ing", "ies", "ied")}
"""Endings that are tried off beside the dictionary, which lacks many English verb forms."""


def _by_start(hit: Hit[P]) -> tuple[int, int]:
    return hit.start, hit.end


def _clause_ends_with(particle: str, words: Words, index: int) -> bool:
    """Whether the particle of a separated verb closes the clause that the verb stands in."""
    text = words.text
    for end in words.ends[index + 1 : index + MAX_CLAUSE]:
        opening = end - len(particle) - 1  # a word of its own, so a space before it
        if text.startswith(f" {particle}", opening) and _CLAUSE_END.match(text, end):
            return True
    return False


def _is_acronym(word: str) -> bool:
    letters = [c for c in word if c.isalpha()]
    return sum(c.isupper() for c in letters) >= 2 or (len(letters) == 1 and letters[0].isupper())


def _term_key(word: str) -> str:
    """Key under which a word of a term stands: "=KI", "^meta", "sperren"."""
    if _is_acronym(word):
        return f"={word}"
    return f"^{word.casefold()}" if word[:1].isupper() else word.casefold()


def _keys(word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    """Keys of a word in a text: what `_term_key` may have made of its dictionary form."""
    keys = dict.fromkeys(_forms(word, langs))
    if word[:1].isupper():
        keys.update(dict.fromkeys([f"^{key}" for key in keys]))
    if _is_acronym(word) or word[:1].isupper():
        keys[f"={word}"] = None
        if word[-1] == "s":
            keys[f"={word[:-1]}"] = None
    return tuple(keys)


def _compound_keys(word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    """Keys of a word or hyphen compound for terms with a star."""
    head, hyphen, tail = word.replace("‑", "-").replace("‐", "-").replace("–", "-").rpartition("-")
    opening = f"{head}{hyphen}"
    forms = _forms(tail, langs)
    exact = [f"={opening}{form}" for form in forms] if opening else []
    return (*(opening.casefold() + form for form in forms), *exact)


@functools.lru_cache(maxsize=WORDS_KEPT)
def _forms(word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    """The word and its possible dictionary forms, casefolded."""
    forms = [word.casefold()]
    if len(word) > LONGEST_WORD:
        return tuple(forms)
    for lang in langs:
        # A verb that opens a sentence has a capital; the dictionary knows it without.
        spellings = dict.fromkeys((word, word.lower()))
        forms.extend(_lemmatizer().lemmatize(one, lang=lang).casefold() for one in spellings)
        forms.extend(_stems(forms[0], lang))
    if "de" in langs and word.islower():
        forms.extend(_declined(word))
    elif "de" in langs and word[:1].isupper() and not word.isupper():
        forms.extend(_by_head(word))
    return tuple(dict.fromkeys(forms))


@functools.cache
def _lemmatizer() -> Lemmatizer:
    """One that reads its dictionaries packed: 16 MB for German instead of 120, five times slower.

    Every word is looked up once only, so nobody notices.
    """
    strategy = DefaultStrategy(dictionary_factory=StreamDictionaryFactory())
    return Lemmatizer(lemmatization_strategy=strategy)


def _by_head(word: str) -> Iterator[str]:
    """A German compound that the dictionary lacks, by the dictionary form of its last noun.

    "Hassbeiträge" becomes "hassbeitrag". The longest known noun is taken, of five letters at least.
    """
    lemmatizer = _lemmatizer()
    if lemmatizer.lemmatize(word, lang="de") != word:
        return
    for cut in range(3, len(word) - 4):
        head = word[cut:].capitalize()
        lemma = lemmatizer.lemmatize(head, lang="de")
        if lemma != head:
            yield f"{word[:cut]}{lemma}".casefold()
            return


def _stems(word: str, lang: str) -> Iterator[str]:
    """The word without an ending, and with the vowel that the ending took or stands for."""
    for ending in _ENDINGS[lang]:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 2:
            continue
        if len(stem) > 2:
            yield stem
        if lang == "en":
            yield stem + ("y" if ending in ("ies", "ied") else "e")
            if stem[-1] == stem[-2]:  # "scrapped"
                yield stem[:-1]


def _declined(word: str) -> Iterator[str]:
    """Basic forms of a German adjective: "künstlichen" may stand for "künstliche"."""
    stem = re.sub(r"(?<=\w\w\w)e[nmrs]?$", "", word)
    if stem != word:
        yield from (stem, f"{stem}e")
