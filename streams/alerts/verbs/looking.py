"""The verbs of `wirewatch rules` that only look: list, check, test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from streams.alerts.rule_checks import Finding, Known
from streams.alerts.rule_doubts import doubts_of
from streams.alerts.rule_file import parse_rules
from streams.alerts.rules import error_of
from streams.alerts.trying import TriedMention, try_rules
from streams.alerts.verbs import showing
from streams.alerts.verbs.knowing import (
    cure_for_rule,
    figures_from_broker,
    known_from_broker,
    known_from_files,
    rules_from_broker,
)
from streams.broker.clients import resolve_broker
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, utc_now
from streams.enrich.pipeline import build_enricher
from streams.enrich.verbs.analyzing import make_item
from streams.enrich.verbs.reading import decoded, opened
from streams.enrich.watchlist import read_watchlist
from streams.errors import ConfigError, NotFoundError
from streams.printing import print_json, say
from streams.records import Item, Rule, Story
from streams.stories.cluster import mentions_of

__all__ = ["check", "list_", "try_"]

LiveOption = Annotated[
    bool, typer.Option("--live", help="Take what the broker has instead of WIREWATCH_CONFIG.")
]
_YAML = (".yaml", ".yml")
_HTML = (".html", ".htm", ".xhtml")


def list_(
    file: Annotated[
        Path | None, typer.Argument(help="Rules of a file instead of the broker's.")
    ] = None,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the live rules, or those of a file.

    As JSON: an array of rules, as they are on news.rules.
    """
    if file is None:
        settings = resolve_broker(Settings.from_environment(), broker)
        rules = list(rules_from_broker(settings).values())
    else:
        rules = _rules_of(file, Known())
    if as_json:
        print_json(msgspec.to_builtins(rules))
    else:
        showing.show_rules(rules)


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="By default rules.yaml of WIREWATCH_CONFIG."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")] = False,
    live: LiveOption = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find mistakes in rules, and what is probably not meant.

    Exits with 1 if there are errors: contradictions, times that make no sense, and names that the
    watchlist, policy/ and feeds.yaml do not have. Warnings are about rules that can never match,
    that match every mention, that tell what another one tells already, or whose alerts no receiver
    of notify.yaml is told of.

    As JSON: an array of {"source", "rules", "errors", "warnings", "findings": [{"level",
    "rule_id", "field", "message", "cure", "line"}]}, one for each file; line is 0 where it is not
    known.
    """
    settings = Settings.from_environment()
    if live or broker:
        known = known_from_broker(resolve_broker(settings, broker))
    else:
        known = known_from_files(settings)
    reports = [_checked(path, known) for path in files or [settings.config_folder / "rules.yaml"]]
    if as_json:
        print_json([_report_document(report) for report in reports])
    else:
        for report in reports:
            _show(report)
    levels = {each.level for report in reports for _, each in report.findings}
    if "error" in levels or (strict and "warning" in levels):
        raise typer.Exit(1)


def try_(
    rules: Annotated[
        str,
        typer.Argument(
            metavar="FILE_OR_RULE_ID", help="Rules of a file, or one of WIREWATCH_CONFIG."
        ),
    ],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What an item says.")] = "",
    file: Annotated[
        str, typer.Option(help="Text or HTML file instead; - reads standard input.")
    ] = "",
    lang: Annotated[str, typer.Option(help="Declared language; a hint for short texts.")] = "",
    feed: Annotated[str, typer.Option(help="Id of the feed that it comes from.")] = "analyze",
    tier: Annotated[int, typer.Option(min=1, max=3, help="Tier of that feed.")] = 2,
    watchlist: Annotated[
        Path | None, typer.Option(help="By default watchlist.yaml of WIREWATCH_CONFIG.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="By default policy/ of WIREWATCH_CONFIG.")
    ] = None,
    live: LiveOption = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show which rules fire for a text, and every condition with how far it is met.

    A text is enriched as by `wirewatch analyze`, then each figure in it is held against each rule.
    "waits" is a rule that matches, but needs more stories, a burst or the like. Needs no broker
    unless --live or --broker is given.

    As JSON: {"text", "lang", "mentions": [{"figure_id", "name", "confidence", "policy_topics",
    "rules": [{"rule_id", "name", "enabled", "matches", "fires", "when", "severity",
    "severity_reasons", "checks": [{"condition", "passed", "detail", "parts"}]}]}]}.
    """
    if bool(text) == bool(file):
        raise typer.BadParameter("give a text or --file, one of them", param_hint="TEXT --file")
    settings = Settings.from_environment()
    if live or broker:
        if watchlist is not None:
            cure = "leave out --watchlist, or --live and --broker"
            raise ConfigError("name a file or the broker, not both", field="--watchlist", cure=cure)
        settings = resolve_broker(settings, broker)
        figures, live = figures_from_broker(settings), True
    else:
        figures = read_watchlist(watchlist or settings.config_folder / "watchlist.yaml")
    folder = policy or settings.config_folder / "policy"
    enricher = build_enricher(figures, folder, settings.models, settings.semantics)
    topics = frozenset(topic.id for topic in enricher.policy.lexicon.topics)
    chosen = _chosen(rules, settings, Known(tuple(figures), topics), live=live)
    item = msgspec.structs.replace(_item(text, file, lang), feed_id=feed, tier=tier)
    enriched = enricher.enrich(item, item.seen_at)
    tried = try_rules(chosen, mentions_of(enriched, Story(story_id="test")))
    if as_json:
        print_json(_document(enriched.text, enriched.item.lang, tried))
    else:
        showing.show_tried(enriched.text, enriched.item.lang, tried)


class _Report(msgspec.Struct, frozen=True):
    """What is found in a file, each with its line."""

    source: str
    rules: int
    findings: list[tuple[int, Finding]]

    def count(self, level: str) -> int:
        return sum(each.level == level for _, each in self.findings)


def _checked(path: Path, known: Known) -> _Report:
    """Check a file; what is probably not meant is only told where nothing is wrong."""
    file = parse_rules(path)
    findings = file.check(known) or file.placed(doubts_of(file.rules, known, utc_now()))
    lines = sorted(((file.line(each), each) for each in findings), key=lambda pair: pair[0])
    return _Report(str(path), len(file.rules), lines)


def _show(report: _Report) -> None:
    showing.show_findings(report.findings, report.source)
    errors, warnings = report.count("error"), report.count("warning")
    say(f"{report.source}: {report.rules} rules: {errors} errors, {warnings} warnings")


def _report_document(report: _Report) -> dict[str, Any]:
    return {
        "source": report.source,
        "rules": report.rules,
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "findings": [
            {
                "level": each.level,
                "rule_id": each.rule_id,
                "field": each.field,
                "message": each.message,
                "cure": each.cure,
                "line": line,
            }
            for line, each in report.findings
        ],
    }


def _rules_of(path: Path, known: Known) -> list[Rule]:
    """The rules of a file without mistakes."""
    file = parse_rules(path)
    if errors := file.check(known):
        raise error_of(min(errors, key=file.line), file)
    return file.rules


def _chosen(named: str, settings: Settings, known: Known, *, live: bool) -> list[Rule]:
    """All rules of a file, or the one with an id."""
    path = Path(named)
    if path.suffix.lower() in _YAML or path.is_file():
        return _rules_of(path, known)
    if live:
        rules, where = rules_from_broker(settings), "`wirewatch rules list`"
    else:
        path = settings.config_folder / "rules.yaml"
        rules, where = {rule.rule_id: rule for rule in _rules_of(path, known)}, str(path)
    if named not in rules:
        raise NotFoundError(f"no rule {named!r}", cure=cure_for_rule(named, rules, where))
    return [rules[named]]


def _item(text: str, file: str, lang: str) -> Item:
    if not file:
        return make_item(text, utc_now(), lang=lang)
    with opened(file) as stream:
        content = decoded(stream.read(), file)
    return make_item(content, utc_now(), lang=lang, html=file.lower().endswith(_HTML))


def _document(text: str, lang: str, tried: Sequence[TriedMention]) -> dict[str, Any]:
    mentions = msgspec.to_builtins(tried)
    for mention, shown in zip(tried, mentions, strict=True):
        for rule, told in zip(mention.rules, shown["rules"], strict=True):
            told["fires"] = rule.fires
    return {"text": text, "lang": lang, "mentions": mentions}
