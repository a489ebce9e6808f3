"""`wirewatch replay`; its options are in `streams.cli`, which loads this only where it runs."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from streams.agents.replay import ReplayReport, replay
from streams.broker.clients import resolve_broker
from streams.config import Settings, utc_now
from streams.errors import ConfigError
from streams.moments import between
from streams.printing import print_json, say

__all__ = ["run_replay"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_IDS_SHOWN = 10


def run_replay(
    stage: str, since: str, until: str, shadow: str, broker: str, *, as_json: bool
) -> None:
    """Carry out `wirewatch replay`, and print its report.

    Raises:
        ConfigError: no name for the shadow topics, or a time that is none.
        BrokerError: the broker cannot be reached, or has the shadow topics already.
    """
    if not shadow:
        raise ConfigError(
            "a replay into the real topics changes nothing: the same input gives the same ids, and "
            "readers know them already",
            field="--shadow",
            cure="give a name for topics of its own, such as --shadow try; to let what is stored go through "
            "changed rules, see `wirewatch backtest`; what was refused is redriven from news.dead-letters",
        )
    if not _NAME.fullmatch(shadow):
        raise ConfigError(
            f"{shadow!r} cannot be part of the name of a topic",
            field="--shadow",
            cure="use up to 40 small letters, digits and hyphens",
        )
    begin, end = between(since, until, utc_now())
    settings = resolve_broker(Settings.from_environment(), broker)
    report = asyncio.run(replay(settings, stage, begin, end, shadow))
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        _show(report)


def _show(report: ReplayReport) -> None:
    say(
        f"{report.stage}: {report.read:,} records from {report.since:%Y-%m-%d %H:%M} to "
        f"{report.until:%Y-%m-%d %H:%M} UTC"
        + (f", {report.refused} of them refused" if report.refused else "")
    )
    for topic, count in report.written.items():
        say(f"{count:,} written to {topic}, where they stay for a day")
    say(f"{report.same:,} are the same as the real ones")
    for words, ids in (
        ("only in the shadow", report.only_shadow),
        ("only in the real topic", report.only_real),
    ):
        say(f"{len(ids):,} {words}{_some(ids)}")
    fields = Counter(field for each in report.changed for field in each.fields)
    told = ", ".join(f"{name} {count}" for name, count in fields.most_common())
    say(f"{len(report.changed):,} changed{_some([each.id for each in report.changed])}")
    if told:
        say(f"changed fields: {told}")


def _some(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    return f": {', '.join(ids[:_IDS_SHOWN])}{more}"
