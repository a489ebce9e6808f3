"""What a rule must not say: names that nothing has, contradictions, times that make no sense. Pure.

Each of these would make a rule that never matches, or not when a person thinks, and nobody would notice.
What is allowed, but probably not meant, is in `rule_doubts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Literal
from zoneinfo import available_timezones

from msgspec import Struct

from streams.alerts.schedule import parse_span, zone_of
from streams.meant import did_you_mean
from streams.records import Figure, Rule, Selection

__all__ = ["LONGEST_SILENCE", "Finding", "Known", "errors_of", "selections_of"]

LONGEST_SILENCE = timedelta(days=30)
BURST_LEVELS = 3


class Finding(Struct, frozen=True):
    """Something about one rule, or about a silence of many."""

    level: Literal["error", "warning"]
    rule_id: str
    """Empty for what concerns no single rule."""
    place: str
    """Path in the file, such as "rules[0].figures.any"."""
    message: str
    cure: str
    value: str = ""
    """The name at that place that it is about, if it is about one."""

    @property
    def field(self) -> str:
        """The path within the rule, or within the file where it concerns no single rule."""
        return self.place.partition("].")[2] if self.rule_id else self.place


class Known(Struct, frozen=True):
    """What rules may name. Empty: unchecked."""

    figures: tuple[Figure, ...] = ()
    policy_topics: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()
    routes: frozenset[str] | None = None
    """Routes that receivers listen to; None where a rule needs none (`streams.alerts.rule_routes`)."""


def errors_of(rules: Sequence[Rule], known: Known) -> list[Finding]:
    """Everything that is wrong with rules, in their order.

    Args:
        rules: in the order of their file.
        known: what there is.
    """
    lists = frozenset(name for figure in known.figures for name in figure.lists)
    names = {  # None: unchecked; where there are figures but none on a list, every list is a stranger
        "figure": frozenset(figure.figure_id for figure in known.figures) or None,
        "figure list": lists if known.figures else None,
        "policy topic": known.policy_topics or None,
        "feed": known.feeds or None,
    }
    ids = Counter(rule.rule_id for rule in rules)
    found: list[Finding] = []
    for number, rule in enumerate(rules):
        parts = _Parts(rule, f"rules[{number}].")
        if ids[rule.rule_id] > 1:
            parts.wrong("id", "is used twice", "give each rule its own id")
        for place, selection in selections_of(rule):
            for kind, field, words in _named(selection):
                parts.refuse_unknown(kind, place + field, words, names[kind])
            parts.refuse_contradictions(place, selection)
            if place and not _says_anything(selection):
                parts.wrong(place.rstrip("."), "says nothing, so every mention has it", "remove it")
        for at, silence in enumerate(rule.silences):
            field = f"silences[{at}].figures"
            parts.refuse_unknown("figure", field, silence.figures, names["figure"])
        parts.refuse_when()
        parts.refuse_schedule()
        parts.refuse_silences()
        found += parts.found
    return found


def selections_of(rule: Rule) -> Iterator[tuple[str, Selection]]:
    """The rule's own selection and those in `any` and `not`, each with what its fields begin with."""
    yield (
        "",
        Selection(figures=rule.figures, policy_topics=rule.policy_topics, sources=rule.sources),
    )
    for name, selections in (("any", rule.any), ("not", rule.none)):
        for number, selection in enumerate(selections):
            yield f"{name}[{number}].", selection


def _named(selection: Selection) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Kind, field and names of everything that a selection names."""
    figures, topics, sources = selection.figures, selection.policy_topics, selection.sources
    yield "figure", "figures.any", figures.any
    yield "figure", "figures.exclude", figures.exclude
    yield "figure", "figures.together", figures.together
    yield "figure list", "figures.lists", figures.lists
    yield "policy topic", "policy_topics.any", topics.any
    yield "policy topic", "policy_topics.all", topics.all
    yield "policy topic", "policy_topics.none", topics.none
    yield "feed", "sources.feeds", sources.feeds
    yield "feed", "sources.exclude", sources.exclude


def _says_anything(selection: Selection) -> bool:
    figures, sources = selection.figures, selection.sources
    return bool(
        any(words for _, _, words in _named(selection))
        or figures.roles
        or figures.fields
        or figures.min_confidence > 0
        or sources.langs
        or sources.tiers
    )


class _Parts:
    """Collects what is wrong with the parts of one rule."""

    def __init__(self, rule: Rule, place: str) -> None:
        self._rule = rule
        self._place = place
        self.found: list[Finding] = []

    def wrong(self, field: str, message: str, cure: str, value: str = "") -> None:
        place = self._place + field
        self.found.append(Finding("error", self._rule.rule_id, place, message, cure, value))

    def refuse_unknown(
        self, kind: str, field: str, words: Iterable[str], known: Collection[str] | None
    ) -> None:
        """Refuse names that nothing has: a misspelt one would never match, silently."""
        if known is None:
            return
        for word in words:
            if word not in known:
                cure = did_you_mean(word, known) or f"use a {kind} that exists"
                self.wrong(field, f"no {kind} {word!r}", cure, word)

    def refuse_contradictions(self, place: str, selection: Selection) -> None:
        """Refuse what one part asks for and another forbids."""
        figures, topics, sources = selection.figures, selection.policy_topics, selection.sources
        pairs = (
            ("figures.exclude", figures.exclude, "figures.any", figures.any),
            ("policy_topics.none", topics.none, "policy_topics.all", topics.all),
            ("policy_topics.none", topics.none, "policy_topics.any", topics.any),
            ("sources.exclude", sources.exclude, "sources.feeds", sources.feeds),
        )
        for field, unwanted, other, wanted in pairs:
            for word in unwanted:
                if word in wanted:
                    message = f"{word!r} is in {place}{other} too"
                    self.wrong(place + field, message, "take it out of one of them", word)
        if len(figures.together) == 1 and figures.any == figures.together:
            message = "names only the figure itself, which is never beside itself"
            self.wrong(f"{place}figures.together", message, "name others")

    def refuse_when(self) -> None:
        """Refuse conditions that always or never hold."""
        when = self._rule.when
        if when.kind in ("count", "distinct_sources") and when.at_least < 2:
            cure = "write at_least: 3, or kind: match for one"
            self.wrong("when", f"{when.kind} needs at_least of 2 or more", cure)
        if when.kind == "burst" and when.at_least > BURST_LEVELS:
            message = f"a burst has levels 1 to {BURST_LEVELS}"
            self.wrong("when.at_least", message, "choose one of them")

    def refuse_schedule(self) -> None:
        """Refuse time zones and spans that cannot be read."""
        schedule = self._rule.schedule
        try:
            zone_of(schedule.timezone)
        except ValueError as error:
            zones = available_timezones()
            cure = did_you_mean(schedule.timezone, zones) or "write it like Europe/Berlin"
            self.wrong("schedule.timezone", str(error), cure)
        for span in schedule.active:
            try:
                parse_span(span)
            except ValueError as error:
                cure = "write it like 'Mon-Fri 07:00-20:00', 'Sat,Sun 22:00-06:00' or 'daily 9:00-17:00'"
                self.wrong("schedule.active", str(error), cure, span)

    def refuse_silences(self) -> None:
        """Refuse silences that never begin, or last so long that they are forgotten."""
        for at, silence in enumerate(self._rule.silences):
            if silence.end <= silence.start:
                self.wrong(f"silences[{at}].end", "is not after start", "correct one of them")
            elif silence.end - silence.start > LONGEST_SILENCE:
                days = (silence.end - silence.start) / timedelta(days=1)
                message = f"lasts {days:g} days, {LONGEST_SILENCE.days} at most"
                self.wrong(f"silences[{at}].end", message, "end it earlier, and renew it then")
