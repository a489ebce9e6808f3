"""`wirewatch explain`: why an alert fired, or why an item made none."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from streams.alerts.explaining import AlertExplained
from streams.alerts.verbs.finding import SEARCHED, find
from streams.alerts.verbs.showing_why import show_alert, show_item
from streams.broker.clients import resolve_broker
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, utc_now
from streams.errors import WirewatchError
from streams.moments import moment
from streams.printing import print_json

__all__ = ["UnknownIdError", "explain"]


class UnknownIdError(WirewatchError):
    """Nothing that the broker still has is called that."""

    exit_code = 1


def explain(
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="ALERT_ID|ITEM_ID", help="As the desk, notifications and topics say."
        ),
    ],
    since: Annotated[
        str,
        typer.Option(
            help="Look no further back than this: 2d ago, or a time. By default all is read."
        ),
    ] = "",
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say why an alert fired and whom it told, or what became of an item and why.

    Of an alert: every revision with its reason, sources with their evidence, the conditions of its
    rule, the history of its story, and how long each step took. Of an item: where it is in the
    stream, what was found in it, and what each rule made of that, with the condition that failed
    first and by how much. Exits with 1 if nothing has that id.

    As JSON: {"kind": "alert", "alert", "revisions", "missing_revisions", "items", "rule_note",
    "conditions", "conditions_of", "story", "latency"} or {"kind": "item", "item_id", "item",
    "where", "figures", "policy_topics", "lang_confidence", "skipped", "versions", "story", "rules":
    [{"rule_id", "figure_id", "outcome", "why", "alert_id"}], "about_others"}.
    """
    now = utc_now()
    begin = moment(since, now, "--since") if since else None
    settings = resolve_broker(Settings.from_environment(), broker)
    found = asyncio.run(find(settings, wanted, begin))
    if found is None:
        back = (
            f"since {begin:%Y-%m-%d %H:%M} UTC" if begin else "as far back as the broker has them"
        )
        raise UnknownIdError(
            f"no alert and no item {wanted!r} in {', '.join(SEARCHED)}, {back}",
            cure="compare the id; items are kept for 7 days, enriched for 30, alerts for 90",
        )
    kind = "alert" if isinstance(found, AlertExplained) else "item"
    if as_json:
        document: dict[str, Any] = msgspec.to_builtins(found)
        print_json({"kind": kind, **document})
    elif isinstance(found, AlertExplained):
        show_alert(found)
    else:
        show_item(found)
