"""The policy lexicon: what `policy.yaml` may say, and errors that help to mend it.

How terms are written and weighed is explained at the head of `deploy/config/policy.yaml` and in
`streams.enrich.terms`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from streams.config import read_yaml
from streams.errors import ConfigError

__all__ = ["Compound", "Pattern", "PolicyLexicon", "Terms", "Topic", "read_policy"]

Terms = dict[Literal["any", "de", "en"], list[str]]
"""Terms by language; `any` counts for every language."""


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

    name: str
    definition: str = ""
    strong: Terms = {}
    weak: Terms = {}
    context: Terms = {}
    blockers: Terms = {}
    compounds: list[Compound] = []
    """German compounds, as good as strong terms."""
    patterns: list[Pattern] = []


class PolicyLexicon(Struct, frozen=True, forbid_unknown_fields=True):
    """All policy topics by id, and the word lists that their patterns share."""

    topics: dict[str, Topic]
    slots: dict[str, Terms] = {}

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
    for slot, terms in lexicon.slots.items():
        yield from _term_faults(f"slots.{slot}", {"": terms})
    for id_, topic in lexicon.topics.items():
        place = f"topics.{id_}"
        lists = {"strong": topic.strong, "weak": topic.weak, "context": topic.context}
        yield from _term_faults(place, lists)
        yield from _term_faults(f"{place}.blockers", {"": topic.blockers})
        for pattern in topic.patterns:
            yield from _pattern_faults(f"{place}.patterns.{pattern.id}", pattern, lexicon)


def _term_faults(place: str, lists: dict[str, Terms]) -> Iterator[_Fault]:
    """Terms of one place that are empty, too wide, or given twice for a language."""
    seen: set[tuple[str, str]] = set()
    for name, terms in lists.items():
        for lang, words in terms.items():
            field = ".".join(part for part in (place, name, lang) if part)
            for word in words:
                if not any(c.isalnum() for c in word):
                    yield _Fault(f"{word!r} is an empty term", field, "remove it", word)
                if word.count("*") > 1 or ("*" in word and " " in word):
                    cure = "write one word with one star"
                    yield _Fault(f"{word!r} cannot be matched", field, cure, word)
                if seen.intersection((word, other) for other in _overlapping(lang)):
                    yield _Fault(f"{word!r} is given twice", field, "remove one of them", word)
                seen.add((word, lang))


def _overlapping(lang: str) -> tuple[str, ...]:
    """Language keys that are used together with this one."""
    return ("any", "de", "en") if lang == "any" else ("any", lang)


def _pattern_faults(place: str, pattern: Pattern, lexicon: PolicyLexicon) -> Iterator[_Fault]:
    if len(pattern.slots) < 2:
        yield _Fault("needs at least two slots", f"{place}.slots", "add a slot", pattern.id)
    names = [name for names in pattern.alternatives() for name in names]
    for name in (*names, *pattern.without):
        if name not in lexicon.slots:
            cure = f"choose one of {', '.join(sorted(lexicon.slots))}"
            yield _Fault(f"no slot {name!r}", f"{place}.slots", cure, pattern.id)


def _line_of(path: Path, fault: _Fault) -> int:
    """Line of the last place below the fault's headings that holds its word; 0 if none does."""
    lines = path.read_text("utf-8").splitlines()
    first, depth = 0, -1
    for heading in fault.field.split("."):
        for number in range(first, len(lines)):
            match = re.match(rf"(\s*){re.escape(heading)}\s*:", lines[number])
            if match and len(match[1]) > depth:
                first, depth = number, len(match[1])
                break
    word = re.compile(rf"(?<!\w){re.escape(fault.word)}(?!\w)")
    found = 0
    for number in range(first, len(lines)):
        indent = len(lines[number]) - len(lines[number].lstrip())
        if (
            number > first
            and lines[number].strip()
            and indent <= depth
            and lines[number][indent] != "-"
        ):
            break
        if fault.word and word.search(lines[number]):
            found = number + 1
    return found or first + 1
