"""Sentences with named entities, and how they are read from what people wrote by hand.

A line of a file of `written/` is a sentence with its entities marked: `[Kiel](LOC) ([dpa](ORG)) – …`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from streams.errors import ConfigError

__all__ = ["LABELS", "UNCLEAR", "Sentence", "Span", "from_tokens", "parse_marked", "read_marked"]

LABELS = ("PER", "ORG", "LOC", "MISC", "LAW")
UNCLEAR = "?"
"""A span of which the corpus does not tell us whether it is an entity for us; it is not learned from."""

_MARK = re.compile(r"\[([^\[\]]+)\]\(([A-Z]+)\)")
_CLOSING = frozenset(".,;:!?)]}»”’%…") | {"...", "n't", "'s", "'re", "'ve", "'ll", "'d", "'m", "’s"}
_OPENING = frozenset("([{«„“‚‘$€£#")
_STRAIGHT = frozenset("\"'")


class Span(NamedTuple):
    """An entity: `text[start:end]` is its surface."""

    start: int
    end: int
    label: str


class Sentence(NamedTuple):
    """A sentence with its entities in the order of the text, and the name of its corpus."""

    text: str
    spans: tuple[Span, ...]
    lang: str
    source: str


def read_marked(paths: Iterable[Path], lang: str, source: str) -> Iterator[Sentence]:
    """Read files of marked sentences, one a line.

    Raises:
        ConfigError: a line has an unknown label or a bracket that belongs to no mark.
    """
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line.strip():
                text, spans = parse_marked(line.strip(), path, number)
                yield Sentence(text, spans, lang, source)


def parse_marked(line: str, path: Path, number: int) -> tuple[str, tuple[Span, ...]]:
    """Split a marked line into its text and its entities."""
    text, spans, position = "", [], 0
    for mark in _MARK.finditer(line):
        surface, label = mark.groups()
        text += line[position : mark.start()]
        if label not in LABELS:
            raise ConfigError(
                f"unknown label {label}", file=str(path), line=number, cure=f"one of {LABELS}"
            )
        spans.append(Span(len(text), len(text) + len(surface), label))
        text += surface
        position = mark.end()
    text += line[position:]
    if "[" in text or "]" in text:
        raise ConfigError(
            "a bracket that marks nothing",
            file=str(path),
            line=number,
            cure="write [surface](LABEL), and no other square brackets",
        )
    return text, tuple(spans)


def from_tokens(words: Sequence[str], tags: Sequence[str], lang: str, source: str) -> Sentence:
    """Join tokens to running text, as a newspaper would print it.

    Args:
        words: tokens of a corpus.
        tags: `O`, `B-<label>` or `I-<label>` for each, labels being ours or `UNCLEAR`.
    """
    text = ""
    spans: list[Span] = []
    inside_quote = dict.fromkeys(_STRAIGHT, False)
    glue = True
    for number, (word, tag) in enumerate(zip(words, tags, strict=True)):
        closing = word in _CLOSING
        opening = word in _OPENING
        if word == "'" and words[number + 1 : number + 2] == ["s"]:
            closing = opening = True
        elif word in _STRAIGHT:
            closing, opening = inside_quote[word], not inside_quote[word]
            inside_quote[word] = not inside_quote[word]
        if text and not glue and not closing:
            text += " "
        start, text = len(text), text + word
        glue = opening
        if tag == "O":
            continue
        position, _, label = tag.partition("-")
        if position == "I" and spans and spans[-1].label == label and spans[-1].end >= start - 1:
            spans[-1] = spans[-1]._replace(end=len(text))
        else:
            spans.append(Span(start, len(text), label))
    return Sentence(text, tuple(spans), lang, source)
