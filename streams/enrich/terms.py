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
import operator
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from simplemma import Lemmatizer
from simplemma.strategies import DefaultStrategy
from simplemma.strategies.dictionaries.stream_dictionary_factory import StreamDictionaryFactory

from streams.enrich.memo import LONGEST_WORD, Memo
from streams.enrich.words import Words

__all__ = ["Hit", "TermIndex", "load_dictionaries"]


class Hit(Struct, frozen=True, order=True, gc=False):
    """A term in a text; `first` and `last` are numbers of words, both inclusive."""

    start: int
    end: int
    first: int
    last: int
    term: str
    bits: int
    """What the term is good for."""


class _Node:
    """A place in the trie of multi-word terms."""

    __slots__ = ("children", "found")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.found: list[tuple[str, int, str]] = []
        """Term, its bits, and the particle that must follow later in the clause, or ""."""


class _Meaning(Struct, frozen=True):
    """What a word can be in a term."""

    terms: tuple[tuple[str, int], ...] = ()
    """Terms that it is by itself, with their bits."""
    separable: tuple[tuple[str, int, str], ...] = ()
    """Verbs of which it is the stem, with the particle that must close the clause."""
    opens: tuple[_Node, ...] = ()
    """Where terms of several words go on that it opens."""
    seconds: frozenset[str] = frozenset()
    """Keys of the words that may come second in those."""
    continues: tuple[str, ...] = ()
    """Keys under which it may stand as a later word of one."""


_NOTHING = _Meaning()


class TermIndex:
    """An index of terms for texts in the given languages.

    Args:
        terms: in their dictionary form, with the bits that say what they are good for.
        langs: languages whose inflections are understood, among "de" and "en".
    """

    def __init__(self, terms: Mapping[str, int], langs: tuple[str, ...]) -> None:
        self._langs = langs
        self._root = _Node()
        self._continuing: set[str] = set()
        self._globs: dict[str, list[tuple[str, str, int]]] = {}
        for term, bits in terms.items():
            if "*" in term:
                self._add_glob(term, bits)
            else:
                self._add_words(term, bits)
        self._meanings = Memo(self._learn)
        # Of compounds only: what single words mean is kept already.
        self._starred = Memo(self._matching_globs)

    def find(self, words: Words) -> list[Hit]:
        """All places of all terms, overlapping ones included, in the order of their start."""
        hits: list[Hit] = []
        starts, ends = words.starts, words.ends
        meanings = self._meanings.of(words.raws)
        meanings.append(_NOTHING)  # follows the last word
        for first, meaning in enumerate(meanings):
            if meaning is _NOTHING:
                continue
            for term, bits in meaning.terms:
                hits.append(Hit(starts[first], ends[first], first, first, term, bits))
            # Many words open terms; few stand before a word with which one goes on.
            if meaning.opens and not meaning.seconds.isdisjoint(meanings[first + 1].continues):
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
        self, words: Words, first: int, nodes: Sequence[_Node], meanings: Sequence[_Meaning]
    ) -> list[Hit]:
        """Terms of several words that a word opens."""
        found: list[Hit] = []
        last = first
        while nodes and (continues := meanings[last + 1].continues):
            between = words.between(last)
            if between != " " and not _BETWEEN.fullmatch(between):
                break
            last += 1
            nodes = [
                node.children[key] for node in nodes for key in continues if key in node.children
            ]
            start, end = words.starts[first], words.ends[last]
            for node in nodes:
                for term, bits, _ in node.found:
                    found.append(Hit(start, end, first, last, term, bits))
        return found

    def _separated(self, words: Words, first: int, meaning: _Meaning) -> list[Hit]:
        """Verbs whose particle closes the clause."""
        start, end = words.starts[first], words.ends[first]
        return [
            Hit(start, end, first, first, term, bits)
            for term, bits, particle in meaning.separable
            if _clause_ends_with(particle, words, first)
        ]

    def _add_words(self, term: str, bits: int) -> None:
        self._node(Words(term).raws).found.append((term, bits, ""))
        separable = _SEPARABLE.fullmatch(term) if "de" in self._langs else None
        if separable:
            particle = separable[1].replace("wiederher", "wieder her")
            self._node([separable[2]]).found.append((term, bits, particle))

    def _node(self, words: list[str]) -> _Node:
        node = self._root
        for number, word in enumerate(words):
            key = _term_key(word)
            node = node.children.setdefault(key, _Node())
            if number:
                self._continuing.add(key)
        return node

    def _add_glob(self, term: str, bits: int) -> None:
        prefix, _, suffix = term.partition("*")
        key = f"={prefix}" if _is_acronym(prefix) else prefix.casefold()
        self._globs.setdefault(key, []).append((suffix.casefold(), term, bits))

    def _learn(self, raw: str) -> _Meaning:
        """Work out what a word can mean."""
        if len(raw) > LONGEST_WORD:
            return _NOTHING
        children, keys = self._root.children, _keys(raw, self._langs)
        nodes = [children[key] for key in keys if key in children]
        found = [each for node in nodes for each in node.found]
        meaning = _Meaning(
            terms=(
                *((term, bits) for term, bits, particle in found if not particle),
                *self._matching_globs(raw),
            ),
            separable=tuple(each for each in found if each[2]),
            opens=tuple(node for node in nodes if node.children),
            seconds=frozenset(key for node in nodes for key in node.children),
            continues=tuple(key for key in keys if key in self._continuing),
        )
        return _NOTHING if meaning == _NOTHING else meaning

    def _compounds(self, words: Words, tied: list[int]) -> Iterator[Hit]:
        """Terms with a star in the hyphen compounds of a text, parts of compounds included."""
        ties = set(tied)
        for first in tied:
            last = first
            while last in ties and last - first < _MAX_PARTS - 1:
                last += 1
                start, end = words.starts[first], words.ends[last]
                if end - start > 2 * LONGEST_WORD:
                    break
                for term, bits in self._starred[words.text[start:end]]:
                    yield Hit(start, end, first, last, term, bits)

    def _matching_globs(self, word: str) -> tuple[tuple[str, int], ...]:
        found = {
            term: bits
            for key in _compound_keys(word, self._langs)
            for length in range(len(key) + 1)
            for suffix, term, bits in self._globs.get(key[:length], ())
            if key.endswith(suffix) and length + len(suffix) <= len(key)
        }
        return tuple(found.items())


# --- words ---------------------------------------------------------------------------------

_BETWEEN = re.compile(r"[ \u00a0]|[-‐‑–][ ]?|[.'’]")
_FORMS_KEPT = 16_384
"""Words whose forms are kept, and whose entries in the dictionary: both are asked for parts of compounds. What
whole words mean is kept by `TermIndex`."""
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


_by_start = operator.attrgetter("start", "end")


def _clause_ends_with(particle: str, words: Words, index: int) -> bool:
    """Whether the particle of a separated verb closes the clause that the verb stands in."""
    text, clause = words.text, slice(index + 1, index + MAX_CLAUSE)
    if particle.rpartition(" ")[2] not in words.raws[clause]:  # nearly always
        return False
    for end in words.ends[clause]:
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


@functools.lru_cache(maxsize=_FORMS_KEPT)
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
    return Lemmatizer(cache_max_size=_FORMS_KEPT, lemmatization_strategy=strategy)


def load_dictionaries() -> None:
    """Read the dictionaries now; else the first word of each language does, for a third of a second."""
    for lang in _ENDINGS:
        _lemmatizer().lemmatize("a", lang=lang)


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
