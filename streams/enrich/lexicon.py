"""The policy lexicon: what `policy.yaml` may say, and errors that help to mend it.

How terms are written and weighed is explained at the head of `deploy/config/policy.yaml` and in
`streams.enrich.terms`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from streams.config import read_yaml
from streams.errors import ConfigError

__all__ = ["LANGS", "Compound", "Pattern", "PolicyLexicon", "Slot", "Terms", "Topic", "read_policy"]

LANGS = ("any", "de", "en")


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """Terms by language; `any` counts for every language."""

    any: list[str] = []
    de: list[str] = []
    en: list[str] = []

    def of(self, langs: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Pairs of language and term for some languages."""
        by_lang = {"any": self.any, "de": self.de, "en": self.en}
        return ((lang, term) for lang in langs for term in by_lang[lang])


class Slot(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A word list that patterns share."""

    id: str


class Compound(Struct, frozen=True, forbid_unknown_fields=True):
    """Every modifier with every head: KI + gesetz finds "KI-Gesetz", Daten + gesetz "Datengesetz"."""

    modifiers: list[str]
    heads: list[str]

    def terms(self) -> Iterator[str]:
        """The compounds as terms with a star; an acronym opens only a hyphen compound."""
        for modifier in self.modifiers:
            stem = f"{modifier}-" if modifier.isupper() else modifier
            yield from (f"{stem}*{head}" for head in self.heads)


class Pattern(Struct, frozen=True, forbid_unknown_fields=True):
    """Slots that must meet in one sentence, in any order."""

    id: str
    slots: list[str]
    """Names of slots; "a | b" takes either."""
    within: Annotated[int, Meta(ge=2, le=100)] = 20
    """Words from the first to the last, at most."""
    weight: Annotated[float, Meta(gt=0.0, le=2.0)] = 1.0
    without: list[str] = []
    """Slots that must be absent from the sentence."""

    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """Slot names per place."""
        return tuple(tuple(name.strip() for name in slot.split("|")) for slot in self.slots)


class Topic(Struct, frozen=True, forbid_unknown_fields=True):
    """What makes an item be about a policy topic."""

    id: str
    name: str
    definition: str = ""
    strong: Terms = Terms()
    weak: Terms = Terms()
    context: Terms = Terms()
    blockers: Terms = Terms()
    compounds: list[Compound] = []
    """German compounds, as good as strong terms."""
    patterns: list[Pattern] = []


class PolicyLexicon(Struct, frozen=True, forbid_unknown_fields=True):
    """All policy topics, and the word lists that their patterns share."""

    topics: list[Topic]
    slots: list[Slot] = []

    @property
    def version(self) -> str:
        """Twelve characters that name the content, the same in every process."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=6).hexdigest()


def read_policy(path: Path) -> PolicyLexicon:
    """Read and check a policy lexicon.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is not a lexicon, or a term is empty or given twice, or a pattern names a
            slot that does not exist; names file, line, field and cure.
    """
    lexicon = read_yaml(path, PolicyLexicon)
    for fault in _faults(lexicon):
        raise ConfigError(
            fault.message,
            file=str(path),
            line=_line_of(path, fault),
            field=fault.field,
            cure=fault.cure,
        )
    return lexicon


class _Fault(Struct):
    """What is wrong, and the word (its nth occurrence under a heading) to look for in the file."""

    message: str
    field: str
    cure: str
    word: str


def _faults(lexicon: PolicyLexicon) -> Iterator[_Fault]:
    if not lexicon.topics:
        yield _Fault("has no topics", "topics", "add a topic", "topics")
    for list_, named in (("slots", lexicon.slots), ("topics", lexicon.topics)):
        ids = [one.id for one in named]
        for id_ in sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            yield _Fault(f"{id_!r} is given twice", list_, "merge them", id_)
    for slot in lexicon.slots:
        yield from _term_faults(f"slots.{slot.id}", {"": slot})
    for topic in lexicon.topics:
        place = f"topics.{topic.id}"
        lists = {"strong": topic.strong, "weak": topic.weak, "context": topic.context}
        yield from _term_faults(place, lists)
        yield from _term_faults(f"{place}.blockers", {"": topic.blockers})
        for pattern in topic.patterns:
            yield from _pattern_faults(f"{place}.patterns", pattern, lexicon)


def _term_faults(place: str, lists: Mapping[str, Terms]) -> Iterator[_Fault]:
    """Terms of one place that are empty, too wide, or given twice for a language."""
    seen: set[tuple[str, str]] = set()
    for name, terms in lists.items():
        for lang, term in terms.of(LANGS):
            field = ".".join(part for part in (place, name, lang) if part)
            if not any(c.isalnum() for c in term):
                yield _Fault(f"{term!r} is an empty term", field, "remove it", term)
            if term.count("*") > 1 or ("*" in term and " " in term):
                cure = "write one word with one star"
                yield _Fault(f"{term!r} cannot be matched", field, cure, term)
            if seen.intersection((term, other) for other in _overlapping(lang)):
                yield _Fault(f"{term!r} is given twice", field, "remove one of them", term)
            seen.add((term, lang))


def _overlapping(lang: str) -> tuple[str, ...]:
    """Language keys that are used together with this one."""
    return ("any", "de", "en") if lang == "any" else ("any", lang)


def _pattern_faults(place: str, pattern: Pattern, lexicon: PolicyLexicon) -> Iterator[_Fault]:
    if len(pattern.slots) < 2:
        yield _Fault(f"{pattern.id!r} needs two slots", place, "add a slot", pattern.id)
    known = [slot.id for slot in lexicon.slots]
    names = [name for names in pattern.alternatives() for name in names]
    for name in (*names, *pattern.without):
        if name not in known:
            cure = f"choose one of {', '.join(sorted(known))}" if known else "add slots"
            yield _Fault(f"{pattern.id!r} names no slot: {name!r}", place, cure, pattern.id)


def _line_of(path: Path, fault: _Fault) -> int:
    """Line of the last place below the fault's headings that holds its word, or of the heading."""
    lines = path.read_text("utf-8").splitlines()
    first, last = 0, len(lines)
    for heading in fault.field.split("."):
        name = re.escape(heading)
        opening = re.compile(rf"\s*(-\s+)?(id:\s*{name}\s*$|{name}\s*:)")
        found = [number for number in range(first, last) if opening.match(lines[number])]
        first = found[0] if found else first
        last = _block_end(lines, first, last)
    word = re.compile(rf"(?<!\w){re.escape(fault.word)}(?!\w)")
    holding = [number for number in range(first, last) if word.search(lines[number])]
    return (holding[-1] if fault.word and holding else first) + 1


def _block_end(lines: list[str], first: int, last: int) -> int:
    """Number of the line after the YAML block that opens in line `first`."""
    depth = len(lines[first]) - len(lines[first].lstrip())
    in_list = lines[first].lstrip().startswith("-")
    for number in range(first + 1, last):
        rest = lines[number].lstrip()
        indent = len(lines[number]) - len(rest)
        same_list = indent == depth and rest.startswith("-") and not in_list
        if rest and not rest.startswith("#") and indent <= depth and not same_list:
            return number
    return last
