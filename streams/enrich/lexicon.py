"""The policy lexicon: a folder of YAML files, one per policy topic, and errors that help to mend it.

`slots.yaml` holds the word lists that all topics share; every other file is a topic. How terms are
written is explained in `streams.enrich.terms`, how they are weighed at the head of
`deploy/config/policy/slots.yaml`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from streams.errors import ConfigError, NotFoundError
from streams.yaml_files import read_yaml

__all__ = [
    "LANGS",
    "Compound",
    "Label",
    "Pattern",
    "PolicyLexicon",
    "Slot",
    "Terms",
    "Topic",
    "read_policy",
]

LANGS = ("any", "de", "en")
SHARED = "slots.yaml"
"""The file of the word lists that all topics share."""

Slug = Annotated[str, Meta(pattern="^[a-z0-9]+([-_][a-z0-9]+)*$")]
MediaTopic = Annotated[str, Meta(pattern=r"^medtop:\d{8}$")]
"""QCode of an IPTC Media Topic (https://cv.iptc.org/newscodes/mediatopic/)."""


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

    id: Slug
    figures: list[str] = []
    """Lists of the watchlist whose figures also fill the slot, wherever they are named."""
    entities: list[str] = []
    """Labels of named entities that also fill it, such as ORG."""
    hint: bool = False
    """A word of it makes the semantic layer look at an item that words alone do not decide."""


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

    id: Slug
    slots: list[str]
    """Names of slots; "a | b" takes either."""
    within: Annotated[int, Meta(ge=2, le=100)] = 20
    """Words from the first to the last, at most."""
    weight: Annotated[float, Meta(gt=0.0, le=2.0)] = 1.0
    without: list[str] = []
    """Slots that must be absent from the sentence."""
    neighbours: bool = False
    """Whether the slots may also lie in two sentences that follow each other, for less."""

    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """Slot names per place."""
        return tuple(tuple(name.strip() for name in slot.split("|")) for slot in self.slots)


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """A finer name within a topic, such as one law; told where the topic is found."""

    id: Slug
    name: str
    terms: Terms
    iptc: MediaTopic | None = None


class Topic(Struct, frozen=True, forbid_unknown_fields=True):
    """What makes an item be about a policy topic."""

    id: Slug
    name: str
    definition: str = ""
    iptc: list[MediaTopic] = []
    strong: Terms = Terms()
    weak: Terms = Terms()
    context: Terms = Terms()
    blockers: Terms = Terms()
    compounds: list[Compound] = []
    """German compounds, as good as strong terms."""
    patterns: list[Pattern] = []
    labels: list[Label] = []
    slots: list[Slot] = []
    """Word lists of this topic, which others may use too."""


class PolicyLexicon(Struct, frozen=True):
    """All policy topics, and the word lists that their patterns share."""

    topics: list[Topic]
    slots: list[Slot] = []

    @property
    def version(self) -> str:
        """Twelve characters that name the content, the same in every process."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=6).hexdigest()

    def all_slots(self) -> Iterator[Slot]:
        """Shared word lists, then those of the topics."""
        yield from self.slots
        for topic in self.topics:
            yield from topic.slots


class _Shared(Struct, frozen=True, forbid_unknown_fields=True):
    slots: list[Slot] = []


def read_policy(folder: Path) -> PolicyLexicon:
    """Read and check a policy lexicon.

    Args:
        folder: holds `slots.yaml`, which may be absent, and a file for each topic.

    Raises:
        NotFoundError: there is no such folder.
        ConfigError: it is not a lexicon, or a term is empty or given twice, or a pattern names a
            slot that does not exist; names file, line, field and cure.
    """
    if not folder.is_dir():
        cure = "a policy lexicon is a folder with one YAML file per policy topic"
        raise NotFoundError(f"no folder {folder}", cure=cure)
    files = sorted(path for path in folder.glob("*.yaml") if path.name != SHARED)
    shared = folder / SHARED
    slots = read_yaml(shared, _Shared).slots if shared.exists() else []
    topics = [read_yaml(path, Topic) for path in files]
    if not topics:
        raise ConfigError(
            "has no topics", file=str(folder), cure="add a file for a topic, such as ai.yaml"
        )
    lexicon = PolicyLexicon(topics=topics, slots=slots)
    sources = {topic.id: path for topic, path in zip(topics, files, strict=True)}
    for fault in _faults(lexicon):
        path = sources.get(fault.topic, shared)
        raise ConfigError(
            fault.message,
            file=str(path),
            line=_line_of(path, fault),
            field=fault.field,
            cure=fault.cure,
        )
    return lexicon


class _Fault(Struct):
    """What is wrong, and the word (its last occurrence under a heading) to look for in the file."""

    topic: str
    """Whose file it is in; "" for the shared slots."""
    message: str
    field: str
    cure: str
    word: str


def _faults(lexicon: PolicyLexicon) -> Iterator[_Fault]:
    known: set[str] = set()
    for owner, slots in (
        ("", lexicon.slots),
        *((topic.id, topic.slots) for topic in lexicon.topics),
    ):
        for slot in slots:
            if slot.id in known:
                message = f"slot {slot.id!r} is given twice"
                yield _Fault(owner, message, "slots", "merge them, or rename one", slot.id)
            known.add(slot.id)
            yield from _term_faults(owner, f"slots.{slot.id}", {"": slot})
    topics: set[str] = set()
    for topic in lexicon.topics:
        if topic.id in topics:
            yield _Fault(
                topic.id, f"topic {topic.id!r} is given twice", "id", "merge them", topic.id
            )
        topics.add(topic.id)
        yield from _topic_faults(topic, known)


def _topic_faults(topic: Topic, slots: set[str]) -> Iterator[_Fault]:
    lists = {"strong": topic.strong, "weak": topic.weak, "context": topic.context}
    yield from _term_faults(topic.id, "", lists)
    yield from _term_faults(topic.id, "blockers", {"": topic.blockers})
    for label in topic.labels:
        yield from _term_faults(topic.id, f"labels.{label.id}", {"": label.terms})
    for pattern in topic.patterns:
        yield from _pattern_faults(topic.id, pattern, slots)


def _term_faults(owner: str, place: str, lists: Mapping[str, Terms]) -> Iterator[_Fault]:
    """Terms of one place that are empty, too wide, or given twice for a language."""
    seen: set[tuple[str, str]] = set()
    for name, terms in lists.items():
        for lang, term in terms.of(LANGS):
            field = ".".join(part for part in (place, name, lang) if part)
            if not term.isprintable():  # nor can half a surrogate pair be written anywhere
                cure = "write it without control characters"
                yield _Fault(owner, f"{term!r} cannot be matched", field, cure, term)
            if not any(c.isalnum() for c in term):
                yield _Fault(owner, f"{term!r} is an empty term", field, "remove it", term)
            if term.count("*") > 1 or ("*" in term and " " in term):
                cure = "write one word with one star"
                yield _Fault(owner, f"{term!r} cannot be matched", field, cure, term)
            if seen.intersection((term, other) for other in _overlapping(lang)):
                cure = "remove one of them"
                yield _Fault(owner, f"{term!r} is given twice", field, cure, term)
            seen.add((term, lang))


def _overlapping(lang: str) -> tuple[str, ...]:
    """Language keys that are used together with this one."""
    return ("any", "de", "en") if lang == "any" else ("any", lang)


def _pattern_faults(owner: str, pattern: Pattern, known: set[str]) -> Iterator[_Fault]:
    if len(pattern.slots) < 2:
        message = f"{pattern.id!r} needs two slots"
        yield _Fault(owner, message, "patterns", "add a slot", pattern.id)
    names = [name for names in pattern.alternatives() for name in names]
    for name in (*names, *pattern.without):
        if name not in known:
            cure = f"choose one of {', '.join(sorted(known))}" if known else "add slots"
            message = f"{pattern.id!r} names no slot: {name!r}"
            yield _Fault(owner, message, "patterns", cure, pattern.id)


def _line_of(path: Path, fault: _Fault) -> int:
    """Line of the last place below the fault's headings that holds its word, or of the heading."""
    lines = path.read_text("utf-8").splitlines()
    first, last = 0, len(lines)
    for heading in fault.field.split("."):
        name = re.escape(heading)
        opening = re.compile(rf"\s*(-\s+)?\{{?(id:\s*{name}\s*(,|$)|{name}\s*:)")
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
