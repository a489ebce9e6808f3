"""What went wrong on labelled items, and why, in lines for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from streams.enrich.evaluation import Told
from streams.enrich.gold import GoldItem
from streams.enrich.measuring import Examined, Finding

__all__ = [
    "Kind",
    "LanguageMistake",
    "Mistake",
    "Why",
    "language_mistakes",
    "mistakes",
    "reasons",
]

Kind = Literal["false", "missed"]
_KINDS: tuple[Kind, ...] = ("false", "missed")

Why = Callable[[Examined, str], list[str]]
"""Says in lines why a label was not found in an item."""


class Mistake(Struct, frozen=True):
    """A label that was found and should not have been, or the other way round."""

    kind: Kind
    class_name: str
    label: str
    examined: Examined

    @property
    def finding(self) -> Finding | None:
        """What was found for the label, if anything."""
        return self.examined.finding(self.label)


class LanguageMistake(Struct, frozen=True):
    """An item whose language was told wrong, with or without the help of its feed."""

    item: GoldItem
    told: Told
    feed_lang: str
    """What its feed is written in, as learned; or ""."""

    @property
    def is_final(self) -> bool:
        """Whether the help of the feed did not put it right."""
        return self.told.with_prior != self.told.expected


def mistakes(examined: Sequence[Examined], classes: Mapping[str, str]) -> list[Mistake]:
    """All mistakes by class and kind; what was found most surely comes first.

    Args:
        examined: items with what was found.
        classes: class by label; the mistakes come in this order.
    """
    order = {name: at for at, name in enumerate(dict.fromkeys(classes.values()))}
    found = [
        Mistake(kind, classes[label], label, each)
        for each in examined
        for kind in _KINDS
        for label in sorted(each.outcome.false if kind == "false" else each.outcome.missed)
    ]
    return sorted(found, key=lambda each: (order[each.class_name], each.kind, -_score(each)))


def language_mistakes(
    items: Sequence[GoldItem], told: Sequence[Told], feed_langs: Mapping[str, str]
) -> list[LanguageMistake]:
    """Mistakes by language; those that the help of the feed did not put right come first.

    Args:
        items: items of any language.
        told: what each was told to be.
        feed_langs: what its feed is written in, by id of the item.
    """
    found = [
        LanguageMistake(item, each, feed_langs[item.id])
        for item, each in zip(items, told, strict=True)
        if {each.alone, each.with_prior} != {each.expected}
    ]
    return sorted(found, key=lambda each: (each.told.expected, not each.is_final))


def reasons(mistake: Mistake, why: Why) -> list[str]:
    """Reasons and evidence of what was found, or why nothing was; a line each."""
    found = mistake.finding
    if found is None:
        return why(mistake.examined, mistake.label)
    return [*_reasons(found), *_evidence(found)]


def _reasons(found: Finding) -> Iterator[str]:
    for reason in found.reasons:
        yield f"{reason.weight:+.1f} {reason.rule}{_after_colon(reason.detail)}"


def _evidence(found: Finding) -> Iterator[str]:
    for place in found.evidence:
        what = f"{place.rule}{_after_colon(place.detail)}"
        yield f"{place.surface!r} in {place.field} {place.start}–{place.end}: {what}"


def _after_colon(detail: str) -> str:
    return f": {detail}" if detail else ""


def _score(mistake: Mistake) -> float:
    found = mistake.finding
    return found.score if found else 0.0
