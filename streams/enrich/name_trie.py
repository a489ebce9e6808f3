"""The trie that finds names in a text, edited in place.

The walk tries every word as the first of a name, so overlapping names are all found; which of
them counts is decided elsewhere. Endings of the genitive are split off at the last word while
walking, so no inflected form is ever stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from streams.enrich.words import APOSTROPHES, Words

__all__ = ["NameTrie", "Place"]

P = TypeVar("P")

LONG_NOUN = 10
"""Letters from which a word in -es may be the genitive of a German compound noun."""


class Place(Struct, Generic[P], frozen=True, gc=False):
    """A path found in a text."""

    first: int
    """Index of its first word."""
    last: int
    """Index of its last word."""
    start: int
    """Offset in code points."""
    end: int
    """Offset behind the name, before any ending."""
    ending: str
    """Genitive ending as it stands there ("s", "es", "’s", "’"), or empty."""
    payload: P


class _Node(Generic[P]):
    __slots__ = ("children", "payloads")

    def __init__(self) -> None:
        self.children: dict[str, _Node[P]] = {}
        self.payloads: list[P] = []


class NameTrie(Generic[P]):
    """Paths of names with what they mean, edited in place."""

    def __init__(self) -> None:
        self._root: _Node[P] = _Node()

    def add(self, path: tuple[str, ...], payload: P) -> None:
        """Let a path mean something more. An empty path means nothing and is ignored."""
        if not path:
            return
        node = self._root
        for edge in path:
            node = node.children.setdefault(edge, _Node())
        node.payloads.append(payload)

    def remove(self, path: tuple[str, ...], payload: P) -> None:
        """Take back what `add` was told, and the nodes that nothing needs any more."""
        if not path:
            return
        nodes = [self._root]
        for edge in path:
            nodes.append(nodes[-1].children[edge])
        nodes[-1].payloads.remove(payload)
        for edge, node, parent in zip(reversed(path), nodes[:0:-1], nodes[-2::-1], strict=True):
            if node.payloads or node.children:
                break
            del parent.children[edge]

    def places(self, words: Words) -> Iterator[Place[P]]:
        """Every path at every word, overlapping ones too, in order of their first word."""
        children = self._root.children
        for first, key in enumerate(words.keys):
            if key in children or (key[-1] == "s" and _may_be_genitive(key, children)):
                yield from self._walk(words, first)

    def _walk(self, words: Words, first: int) -> Iterator[Place[P]]:
        children, index, gap = self._root.children, first, ""
        while True:
            edge = f"{gap}{words.keys[index]}"
            node = children.get(edge)
            if node and node.payloads:
                yield from _placed(words, first, index, "", node.payloads)
            if edge[-1] == "s":
                payloads, ending = _without_genitive(children, edge, words.raws[index])
                if payloads:
                    yield from _placed(words, first, index, ending, payloads)
            if node is None or not node.children:
                return
            step = words.gap(index)
            if step is None:
                return
            children, index, gap = node.children, index + 1, step


def _may_be_genitive(key: str, children: Mapping[str, object]) -> bool:
    """Whether a first word may be a name of one word with an ending; most words with an s are not."""
    return key[:-1] in children or key[:-2] in children


def _without_genitive(children: dict[str, _Node[P]], edge: str, raw: str) -> tuple[list[P], str]:
    """What a word means without its genitive ending, and the ending ("s", "es")."""
    if raw[-1:] not in ("s", "S") or len(raw) < 3:
        return [], ""
    node = children.get(edge[:-1])
    if node and node.payloads:
        return node.payloads, raw[-1:]
    # Names that end in a hiss take -es ("des Schulzes"), and long German nouns may ("Kartellamtes").
    if raw[-2:].lower() == "es" and (edge[-3:-2] in ("s", "x", "z") or len(raw) >= LONG_NOUN):
        node = children.get(edge[:-2])
        if node:
            return node.payloads, raw[-2:]
    return [], ""


def _placed(
    words: Words, first: int, last: int, ending: str, payloads: Iterable[P]
) -> Iterator[Place[P]]:
    end = words.ends[last] - len(ending)
    ending += _apostrophe(words, last)
    for payload in payloads:
        yield Place(first, last, words.starts[first], end, ending, payload)


def _apostrophe(words: Words, last: int) -> str:
    """The genitive apostrophe behind a word, with its s if it has one."""
    text, end = words.text, words.ends[last]
    mark = text[end : end + 1]
    if not mark or mark not in APOSTROPHES:
        return ""
    if last + 1 < len(words) and words.starts[last + 1] == end + 1:
        return text[end : end + 2] if words.keys[last + 1] == "s" else ""
    # A bare apostrophe is a genitive only behind a hiss; elsewhere it closes a quotation.
    return mark if words.keys[last][-1:] in ("s", "x", "z") else ""
