"""`wirewatch backtest`: rules tried on what is stored, before they are saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from streams.alerts.backtest import Backtest, warm_up
from streams.alerts.backtest_report import Report
from streams.alerts.rule_file import parse_rules
from streams.alerts.rules import error_of
from streams.alerts.verbs.knowing import cure_for_rule, known_from_broker, rules_from_broker
from streams.alerts.verbs.showing_past import show_backtest
from streams.broker.clients import resolve_broker
from streams.broker.ranges import TopicReader, newest_since
from streams.broker.topics import ENRICHED
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, utc_now
from streams.errors import NotFoundError, RecordError
from streams.moments import between
from streams.printing import note, print_json
from streams.records import EnrichedItem, Rule
from streams.wire import decode

__all__ = ["backtest", "run_backtest"]

_YAML = (".yaml", ".yml")


def backtest(
    named: Annotated[
        str, typer.Argument(metavar="RULE_FILE|RULE_ID", help="Rules of a file, or a live one.")
    ],
    since: Annotated[
        str, typer.Option(help="From when: 7d ago, or a time such as 2026-11-20.")
    ] = "7d",
    until: Annotated[str, typer.Option(help="Until when, likewise; by default now.")] = "",
    limit: Annotated[
        int, typer.Option(min=0, help="Only the newest so many items, about; 0: all.")
    ] = 0,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Try rules on the items of the last days. Publishes nothing.

    Items of news.enriched, which the broker keeps for 30 days, are grouped into stories and decided
    on by the code that runs live, with the time at which they were seen for a clock. What people
    did with alerts takes no part. Rules of a file are compared with those of the same id that are
    in force. Three days before are read as well, to know which stories had begun.

    Exits with 1 if there is nothing stored for the time.

    As JSON: {"since", "until", "items", "warm_up_items", "items_with_figures", "mentions",
    "unreadable", "rules": [{"rule_id", "name", "version", "alerts", "notifications", "days":
    [{"date", "items", "alerts", "notifications"}], "severities", "figures", "items", "copies",
    "publishers", "suppressed", "held", "failed", "warnings", "samples": [...], "difference": null
    or {"version", "alerts", "notifications", "both", "only_new", "only_old", "new_samples",
    "old_samples", "note"}}]}.
    """
    begin, end = between(since, until, utc_now())
    settings = resolve_broker(Settings.from_environment(), broker)
    live = rules_from_broker(settings)
    rules, before = _rules(named, settings, live)
    report = asyncio.run(run_backtest(settings, rules, before, begin, end, limit))
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        show_backtest(report)
    if not report.items:
        note(
            f"no items in {ENRICHED} from {report.since:%Y-%m-%d %H:%M} to "
            f"{report.until:%Y-%m-%d %H:%M} UTC; give an earlier --since, or start `wirewatch up`"
        )
        raise typer.Exit(1)


def _rules(
    named: str, settings: Settings, live: Mapping[str, Rule]
) -> tuple[list[Rule], Mapping[str, Rule]]:
    """The rules to try, and those in force that they are compared with."""
    path = Path(named)
    if path.suffix.lower() in _YAML or path.is_file():
        content = parse_rules(path)
        if errors := content.check(known_from_broker(settings)):
            raise error_of(min(errors, key=content.line), content)
        return content.rules, live
    if named not in live:
        cure = cure_for_rule(named, live, "`wirewatch rules list`, or name a file")
        raise NotFoundError(f"no rule {named!r}", cure=cure)
    return [live[named]], {}  # compared with itself it would only say so


async def run_backtest(
    settings: Settings,
    rules: list[Rule],
    before: Mapping[str, Rule],
    since: datetime,
    until: datetime,
    limit: int = 0,
) -> Report:
    """Read what is stored of a time, and run rules over it.

    Args:
        settings: whose broker is set.
        rules: to be tried.
        before: in force, to compare with.
        since: begin of the time.
        until: its end.
        limit: about how many items, the newest of that time; 0 for all.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    async with TopicReader(settings, ENRICHED) as reader:
        end = until.timestamp()
        if limit:
            spans = await reader.spans(ENRICHED, since=since.timestamp(), until=end)
            newest = await newest_since(reader, spans, limit, since.timestamp())
            since = datetime.fromtimestamp(newest, since.tzinfo)
        counting = [*rules, *(before[r.rule_id] for r in rules if r.rule_id in before)]
        begin = (since - warm_up(counting)).timestamp()
        spans = await reader.spans(ENRICHED, since=begin, until=end)
        testing = Backtest(rules, before, since=since, until=until)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("reading", total=sum(map(len, spans)))
            for span in spans:
                async for batch in reader.read(span):
                    for record in batch:
                        try:
                            testing.take(span.partition, decode(EnrichedItem, record.value))
                        except RecordError:  # it is among the dead letters already
                            testing.unreadable += 1
                    progress.advance(task, len(batch))
    return testing.report()
