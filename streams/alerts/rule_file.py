"""rules.yaml: what it becomes as records, and on which line a thing stands.

What the grammar alone can tell (unknown keys, wrong types) is refused at once by `config.read_yaml`. What is
found while reading values, such as a time that is none, is collected, so that a person sees all of it; what
a rule must not say is found by `rule_checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path

import yaml
from msgspec import structs

from streams.alerts.rule_checks import Finding, Known, errors_of
from streams.alerts.rule_grammar import (
    RuleEntry,
    RulesFile,
    SelectionEntry,
    SharedSilenceEntry,
    SilenceEntry,
)
from streams.alerts.schedule import zone_of
from streams.config import parse_duration
from streams.meant import did_you_mean
from streams.records import (
    Condition,
    FigureSelector,
    PolicyTopicSelector,
    Rule,
    Schedule,
    Selection,
    SeverityPolicy,
    Silence,
    SourceSelector,
)
from streams.records.rules import LONGEST_WINDOW
from streams.yaml_files import read_yaml

__all__ = ["WINDOWS", "RuleFile", "parse_rules"]

WINDOWS = {
    "count": 3_600,
    "distinct_sources": 3_600,
    "first_seen": 30 * 86_400,
    "silence": 86_400,
}
"""Kinds of `when` that look at a window, with its length in seconds where none is given: an hour for what
gathers speed; what was not seen for a month is new; a day without a word is silence."""


class RuleFile:
    """A file that has been read: `rules` in its order, with what is wrong in `findings`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.findings: list[Finding] = []
        content = read_yaml(path, RulesFile)
        self._root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
        self._shared: dict[str, str] = {}
        """Place of a silence in a rule, to where it stands at the top of the file."""
        rules = [self._rule(entry, number) for number, entry in enumerate(content.rules)]
        self.rules: list[Rule] = self._silenced(rules, content.silences)

    def check(self, known: Known) -> list[Finding]:
        """Everything that is wrong in the file, also against what there is."""
        return [*self.findings, *self.placed(errors_of(self.rules, known))]

    def placed(self, found: Iterable[Finding]) -> list[Finding]:
        """Move what is said about rules' copies of a silence to where it stands, and tell it once."""
        return list(dict.fromkeys(map(self._at_home, found)))

    def line(self, found: Finding) -> int:
        """Line of what a finding is about: its value if that is there, else the field that holds it."""
        return self.line_of(found.place, found.value)

    def line_of(self, place: str, value: str = "") -> int:
        """Line of a place, or of the deepest part of it that is there."""
        node, line = self._root, 0
        for step in _STEP.findall(place):
            at, below = _below(node, step)
            if below is None:
                break
            node, line = below, at
        return _line_of_value(node, value) or line

    def _at_home(self, found: Finding) -> Finding:
        silence, _, field = found.place.rpartition(".")
        if home := self._shared.get(silence):
            return structs.replace(found, rule_id="", place=f"{home}.{field}")
        return found

    def _wrong(
        self, place: str, message: str, cure: str, rule_id: str = "", value: str = ""
    ) -> None:
        self.findings.append(Finding("error", rule_id, place, message, cure, value))

    def _rule(self, entry: RuleEntry, number: int) -> Rule:
        place = f"rules[{number}]"
        selection = _selection(SelectionEntry(entry.figures, entry.policy_topics, entry.sources))
        nested_score = selection.policy_topics.min_score
        spans = entry.schedule.active
        rule = Rule(
            rule_id=entry.id,
            name=entry.name or entry.id,
            version=entry.version,
            enabled=entry.enabled,
            figures=selection.figures,
            policy_topics=selection.policy_topics,
            sources=selection.sources,
            severity=SeverityPolicy(base=entry.severity.base, bump=entry.severity.bump),
            any=tuple(_selection(each, 0.0, nested_score) for each in entry.any),
            none=tuple(_selection(each, 0.0, nested_score) for each in entry.none),
            when=self._when(entry, place),
            group_by=entry.group_by or "story",
            schedule=Schedule(
                timezone=entry.schedule.timezone,
                active=(spans,) if isinstance(spans, str) else spans,
            ),
            route=entry.route,
            max_age_seconds=self._seconds(f"{place}.max_age", entry.max_age, entry.id, 86_400),
            origin="file",
        )
        silences = (
            self._silence(each, f"{place}.silences[{at}]", rule, told=True)
            for at, each in enumerate(entry.silences)
        )
        return _with_silences(rule, silences)

    def _when(self, entry: RuleEntry, place: str) -> Condition:
        """The condition; parts that say nothing for its kind are refused, as they were meant to."""
        when, place = entry.when, f"{place}.when"
        window = WINDOWS.get(when.kind, 3_600)
        if when.window is not None:
            window = self._seconds(f"{place}.window", when.window, entry.id, window)
            if when.kind not in WINDOWS:
                what = f"says nothing for kind {when.kind!r}"
                self._wrong(f"{place}.window", what, "leave it out", entry.id)
            if window > LONGEST_WINDOW.total_seconds():
                what = f"longer than the {LONGEST_WINDOW.days} days that mentions are kept"
                self._wrong(f"{place}.window", what, "write 30d or less", entry.id)
                window = WINDOWS["first_seen"]
        if when.at_least is not None and when.kind not in ("count", "distinct_sources", "burst"):
            what = f"says nothing for kind {when.kind!r}"
            self._wrong(f"{place}.at_least", what, "leave it out", entry.id)
        if when.kind == "silence" and entry.group_by == "story":
            what = "cannot be story: nothing was told where a figure is silent"
            at = place.replace(".when", ".group_by")
            self._wrong(at, what, "leave it out, or write figure", entry.id)
        return Condition(kind=when.kind, at_least=when.at_least or 1, window_seconds=window)

    def _seconds(self, place: str, text: str, rule_id: str, instead: int) -> int:
        try:
            return parse_duration(text)
        except ValueError as error:
            self._wrong(place, str(error), "write it like 6h", rule_id)
            return instead

    def _silence(
        self, entry: SilenceEntry, place: str, rule: Rule, *, told: bool
    ) -> Silence | None:
        """A silence in the time zone of a rule; None where its times are none.

        Args:
            entry: as it is written.
            place: where.
            rule: whom it silences.
            told: whether mistakes are told; those of a silence of many rules are told once.
        """
        try:
            zone = zone_of(rule.schedule.timezone)
        except ValueError:  # told by `rule_checks`
            zone = UTC
        moments: list[datetime] = []
        for key, value, whole_day in (("start", entry.start, 0), ("end", entry.end, 1)):
            moment = _moment(value, zone, whole_day)
            if moment is not None:
                moments.append(moment)
            elif told:
                cure = "write it like 2026-12-24 18:00, or 2026-12-24 for the whole day"
                what = f"{str(value)!r} is no time"
                rule_id = rule.rule_id if place.startswith("rules") else ""
                self._wrong(f"{place}.{key}", what, cure, rule_id)
        if len(moments) < 2:
            return None
        start, end = moments
        return Silence(
            figures=entry.figures, start=start, end=end, author=entry.author, comment=entry.comment
        )

    def _silenced(self, rules: list[Rule], silences: tuple[SharedSilenceEntry, ...]) -> list[Rule]:
        """Add the silences at the top of the file to the rules that they name, or to all."""
        ids = {rule.rule_id for rule in rules}
        for at, entry in enumerate(silences):
            place = f"silences[{at}]"
            for name in entry.rules:
                if name not in ids:
                    cure = did_you_mean(name, ids) or "name a rule of this file"
                    self._wrong(f"{place}.rules", f"no rule {name!r}", cure, value=name)
            told = True
            for number, rule in enumerate(rules):
                if not entry.rules or rule.rule_id in entry.rules:
                    silence = self._silence(entry, place, rule, told=told)
                    if silence is not None:
                        self._shared[f"rules[{number}].silences[{len(rule.silences)}]"] = place
                        rules[number] = _with_silences(rule, [silence])
                    told = False
        return rules


def parse_rules(path: Path) -> RuleFile:
    """Read a file whose rules may contradict themselves and each other.

    Raises:
        NotFoundError: no such file.
        ConfigError: it is not YAML, or has unknown or wrong fields.
    """
    return RuleFile(path)


def _selection(
    entry: SelectionEntry, min_confidence: float = 0.75, min_score: float = 0.5
) -> Selection:
    """Turn what is written into a selection.

    Within `any` and `not` the rule's own thresholds hold where none is given: a `not` that named no
    confidence would otherwise let unsure mentions through, against what it says.
    """
    figures, topics, sources = entry.figures, entry.policy_topics, entry.sources
    if figures.min_confidence is not None:
        min_confidence = figures.min_confidence
    if topics.min_score is not None:
        min_score = topics.min_score
    return Selection(
        figures=FigureSelector(
            any=figures.any,
            lists=figures.lists,
            exclude=figures.exclude,
            min_confidence=min_confidence,
            roles=figures.roles,
            fields=figures.fields,
            together=figures.together,
        ),
        policy_topics=PolicyTopicSelector(
            any=topics.any, all=topics.all, none=topics.none, min_score=min_score
        ),
        sources=SourceSelector(
            langs=sources.langs, tiers=sources.tiers, feeds=sources.feeds, exclude=sources.exclude
        ),
    )


def _with_silences(rule: Rule, silences: Iterable[Silence | None]) -> Rule:
    added = tuple(silence for silence in silences if silence is not None)
    return structs.replace(rule, silences=(*rule.silences, *added))


def _moment(value: object, zone: tzinfo, whole_day: int) -> datetime | None:
    """A time in UTC; None if it is none.

    Args:
        value: what YAML made of it: a time, a day, or text.
        zone: where it is that time, if it does not say so.
        whole_day: days after a day without a time, 1 to include that day.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value + timedelta(days=whole_day), time())
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


# --- where it stands in the file --------------------------------------------------------------

_STEP = re.compile(r"[^.\[\]]+")


def _below(node: yaml.Node | None, step: str) -> tuple[int, yaml.Node | None]:
    """Line and node of a key or an index; no node where there is none."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
        value = node.value[int(step)]
        return value.start_mark.line + 1, value
    return 0, None


def _line_of_value(node: yaml.Node | None, value: str) -> int:
    """Line of the first scalar with that value; 0 if none has it."""
    if isinstance(node, yaml.ScalarNode):
        return node.start_mark.line + 1 if value and node.value == value else 0
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        parts = node.value
    elif isinstance(node, yaml.MappingNode):
        parts = [part for _, part in node.value]
    return next((line for part in parts if (line := _line_of_value(part, value))), 0)
