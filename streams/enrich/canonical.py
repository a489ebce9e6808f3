"""One entity for all its mentions: what an item calls it most fully.

A short name ("Zuckerberg") belongs to the full name in the same item that ends in it, and that was said
last before, or else first after it; a German genitive ("Zuckerbergs") to its base. Watched figures
overrule the model: who they are and where they stand is known better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from streams.records import Entity, FigureHit

__all__ = ["canonical"]

_KINDS = {"person": "PER", "organisation": "ORG"}
_GENITIVES = ("s", "'", "’")


def canonical(entities: Sequence[Entity], figures: Iterable[FigureHit]) -> tuple[Entity, ...]:
    """Entities with their names, in the order of the text.

    Args:
        entities: as a model found them, in the order of the text.
        figures: watched figures in the same text; those that are sure take their places.
    """
    watched = list(_watched(figures))
    kept = [
        entity
        for entity in entities
        if not any(entity.start < other.end and other.start < entity.end for other in watched)
    ]
    places = sorted([*kept, *watched], key=lambda entity: (entity.start, entity.end))
    return tuple(
        entity if entity.name else _with_name(number, places)
        for number, entity in enumerate(places)
    )


def _watched(figures: Iterable[FigureHit]) -> Iterable[Entity]:
    """Where watched figures stand; nested names count once, the longest."""
    end = 0
    places = (
        (place.start, -place.end, place.surface, figure)
        for figure in figures
        if figure.level == "alert"
        for place in figure.mentions
    )
    for start, negative_end, surface, figure in sorted(places, key=lambda place: place[:2]):
        if start >= end:
            end = -negative_end
            yield Entity(
                text=surface,
                label=_KINDS[figure.kind],
                start=start,
                end=end,
                name=figure.name,
                figure_id=figure.figure_id,
            )


def _with_name(number: int, places: Sequence[Entity]) -> Entity:
    """An entity with the fullest name of the same item that it may stand for."""
    entity = places[number]
    before = reversed(places[:number])
    fuller = next((each for each in before if _stands_for(entity, each)), None)
    if fuller is None:
        fuller = next((each for each in places[number + 1 :] if _stands_for(entity, each)), entity)
    name = fuller.name or _fullest(fuller, places)
    return msgspec.structs.replace(entity, name=name, figure_id=fuller.figure_id)


def _fullest(entity: Entity, places: Sequence[Entity]) -> str:
    """The surface of an entity; of one in the genitive the base, where that is said somewhere."""
    for each in places:
        if each.label == entity.label and _is_genitive(entity.text, each.text):
            return each.text
    return entity.text


def _stands_for(short: Entity, full: Entity) -> bool:
    """Whether a person's name of one word is the last of a longer one, or its genitive."""
    if not short.label == full.label == "PER" or " " in short.text or " " not in full.text:
        return False
    last = full.text.rpartition(" ")[2]
    return short.text == last or _is_genitive(short.text, last)


def _is_genitive(name: str, base: str) -> bool:
    return name[:-1] == base and name.endswith(_GENITIVES)
