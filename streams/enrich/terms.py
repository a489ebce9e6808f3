"""Finding many terms in a text at once, whatever their inflection.

How a term is written decides what it matches
    - "sperren": any inflected form of the word, in either case ("Gesperrt", "sperrte").
    - "einschränken": also separated, as German main clauses do it ("schränkt die Reichweite ein").
    - "Beitrag", "Meta": inflected forms with a capital ("Beiträge", "META", never "meta").
    - "KI", "NetzDG", "X": two capitals or a single letter: exactly so, with a genitive or plural
      "s" at most.
    - "*behörde", "Deepfake*", "Daten*gesetz", "KI-*": one word or hyphen compound that ends, opens,
      or does both so; the star stands for anything, nothing included.
    - Several words: in that order, with nothing but white space or hyphens between them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

import simplemma

__all__ = ["Hit", "TermIndex"]

P = TypeVar("P")


class Hit(NamedTuple, Generic[P]):
    """A term in a text; `first` and `last` are token numbers, both inclusive."""

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


class TermIndex(Generic[P]):
    """An immutable index of (term, payload) pairs for texts in the given languages.

    Args:
        entries: terms in their dictionary form, and what to return when they are found.
        langs: languages whose inflections are understood, among "de" and "en".
    """

    def __init__(self, entries: Iterable[tuple[str, P]], langs: tuple[str, ...]) -> None:
        self._langs = langs
        self._root: _Node[P] = _Node()
        self._globs: dict[str, list[tuple[str, str, P]]] = {}
        for term, payload in entries:
            if "*" in term:
                self._add_glob(term, payload)
            else:
                self._add_words(term, payload)
        self._starred = functools.lru_cache(maxsize=50_000)(self._matching_globs)

    def find(self, text: str) -> list[Hit[P]]:
        """All places of all terms, overlapping ones included, in the order of their start."""
        tokens = list(_TOKEN.finditer(text))
        keys = [_keys(token[0], self._langs) for token in tokens]
        hits: list[Hit[P]] = []
        for first, token in enumerate(tokens):
            for last, term, payload in self._walk(text, tokens, keys, first, self._root):
                hits.append(Hit(token.start(), tokens[last].end(), first, last, term, payload))
            for last in _compounds(text, tokens, first):
                end = tokens[last].end()
                for term, payload in self._starred(text[token.start() : end]):
                    hits.append(Hit(token.start(), end, first, last, term, payload))
        return hits

    def _add_words(self, term: str, payload: P) -> None:
        self._node(_TOKEN.findall(term)).found.append((term, payload, ""))
        separable = _SEPARABLE.fullmatch(term) if "de" in self._langs else None
        if separable:
            particle = separable[1].replace("wiederher", "wieder her")
            self._node([separable[2]]).found.append((term, payload, particle))

    def _node(self, words: list[str]) -> _Node[P]:
        node = self._root
        for word in words:
            node = node.children.setdefault(_term_key(word), _Node())
        return node

    def _add_glob(self, term: str, payload: P) -> None:
        prefix, _, suffix = term.partition("*")
        key = f"={prefix}" if _is_acronym(prefix) else prefix.casefold()
        self._globs.setdefault(key, []).append((suffix.casefold(), term, payload))

    def _walk(
        self,
        text: str,
        tokens: list[re.Match[str]],
        keys: list[tuple[str, ...]],
        index: int,
        node: _Node[P],
    ) -> Iterator[tuple[int, str, P]]:
        """Follow the trie from a token; yields the last token of each term found."""
        for key in keys[index]:
            child = node.children.get(key)
            if child is None:
                continue
            for term, payload, particle in child.found:
                if not particle or _clause_ends_with(particle, text, tokens, index):
                    yield index, term, payload
            following = index + 1
            if child.children and following < len(tokens) and _adjacent(text, tokens, index):
                yield from self._walk(text, tokens, keys, following, child)

    def _matching_globs(self, word: str) -> list[tuple[str, P]]:
        found: dict[str, tuple[str, P]] = {}
        for key in _compound_keys(word, self._langs):
            for length in range(len(key) + 1):
                for suffix, term, payload in self._globs.get(key[:length], ()):
                    if key.endswith(suffix) and length + len(suffix) <= len(key):
                        found[f"{term} {payload}"] = (term, payload)
        return list(found.values())


# --- words ---------------------------------------------------------------------------------

_TOKEN = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[ \u00a0]|[-‐‑–][ ]?")
_HYPHENS = frozenset("-‐‑–")
_MAX_PARTS = 4
"""Parts of a hyphen compound that are looked at together."""
MAX_CLAUSE = 16
"""Words after a separated verb among which its particle is looked for."""
_SEPARABLE = re.compile(
    "(ab|an|auf|aus|ein|frei|herunter|nach|raus|vor|wiederher|zurück|zu)([a-zäöüß]{3,}(?:en|ern|eln))"
)
_CLAUSE_END = re.compile(r"\s*(?:$|[\n.,;:!?…–—\"“”»«)]|und\b|oder\b)")
_ENDINGS = {"de": ("s", "es"), "en": ("s", "es", "ed", "ing", "ies", "ied")}
"""Endings that are tried off beside the dictionary, which lacks many English verb forms."""


def _clause_ends_with(particle: str, text: str, tokens: list[re.Match[str]], index: int) -> bool:
    """Whether the particle of a separated verb closes the clause that the verb stands in."""
    for token in tokens[index + 1 : index + MAX_CLAUSE]:
        opening = token.end() - len(particle) - 1  # a word of its own, so a space before it
        if text.startswith(f" {particle}", opening) and _CLAUSE_END.match(text, token.end()):
            return True
    return False


def _adjacent(text: str, tokens: list[re.Match[str]], index: int) -> bool:
    """Whether only a space or a hyphen lies between a token and the next."""
    between = text[tokens[index].end() : tokens[index + 1].start()]
    return _BETWEEN.fullmatch(between) is not None


def _compounds(text: str, tokens: list[re.Match[str]], first: int) -> Iterator[int]:
    """Last tokens of the word and of the hyphen compounds that open with a token."""
    yield first
    for last in range(first + 1, min(first + _MAX_PARTS, len(tokens))):
        if text[tokens[last - 1].end() : tokens[last].start()] not in _HYPHENS:
            return
        yield last


def _is_acronym(word: str) -> bool:
    letters = [c for c in word if c.isalpha()]
    return sum(c.isupper() for c in letters) >= 2 or (len(letters) == 1 and letters[0].isupper())


def _term_key(word: str) -> str:
    """Key under which a word of a term stands: "=KI", "^meta", "sperren"."""
    if _is_acronym(word):
        return f"={word}"
    return f"^{word.casefold()}" if word[:1].isupper() else word.casefold()


@functools.lru_cache(maxsize=100_000)
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


@functools.lru_cache(maxsize=50_000)
def _compound_keys(word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    """Keys of a word or hyphen compound for terms with a star."""
    head, hyphen, tail = word.replace("‑", "-").replace("‐", "-").replace("–", "-").rpartition("-")
    opening = f"{head}{hyphen}"
    forms = _forms(tail, langs)
    exact = [f"={opening}{form}" for form in forms] if opening else []
    return (*(opening.casefold() + form for form in forms), *exact)


@functools.lru_cache(maxsize=100_000)
def _forms(word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    """The word and its possible dictionary forms, casefolded."""
    forms = [word.casefold()]
    for lang in langs:
        # A verb that opens a sentence has a capital; the dictionary knows it without.
        spellings = dict.fromkeys((word, word.lower()))
        forms.extend(simplemma.lemmatize(one, lang=lang).casefold() for one in spellings)
        forms.extend(_stems(forms[0], lang))
    if "de" in langs and word.islower():
        forms.extend(_declined(word))
    return tuple(dict.fromkeys(forms))


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
