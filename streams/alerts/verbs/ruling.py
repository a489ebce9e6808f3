"""`wirewatch rules …`: changes of the rules that the running processes follow.

The verbs that only look are in `looking`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from streams.alerts.rule_file import RuleFile, parse_rules
from streams.alerts.rules import error_of
from streams.alerts.verbs import looking
from streams.alerts.verbs.knowing import cure_for_rule, known_from_broker, rules_from_broker
from streams.broker.broadcast import publish
from streams.broker.clients import resolve_broker
from streams.broker.topics import RULES
from streams.broker.verbs import BrokerOption
from streams.config import Settings
from streams.errors import ConfigError, NotFoundError
from streams.printing import note, say
from streams.records import Rule

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Add, list, check, remove and try rules that make alerts."
)


@app.command(
    epilog="Examples:\n\nwirewatch rules add my-rules.yaml\n\n"
    "wirewatch rules add my-rules.yaml --replace"
)
def add(
    file: Annotated[Path, typer.Argument(help="Rules, as in rules.yaml.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace rules that are there, as their next version.")
    ] = False,
    broker: BrokerOption = "",
) -> None:
    """Add the rules of a file. Running processes follow at once. Prints the rules' ids.

    Names are checked against the live watchlist and feeds, and the policy topics of
    WIREWATCH_CONFIG. If anything is wrong, no rule is added. The same command again changes
    nothing.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    content = parse_rules(file)
    if errors := content.check(known_from_broker(settings)):
        raise error_of(min(errors, key=content.line), content)
    known = rules_from_broker(settings)
    changes: dict[str, Rule] = {}
    for rule in content.rules:
        before = known.get(rule.rule_id)
        if before is not None and _says_the_same(rule, before):
            note(f"{rule.rule_id} is as it was")
            continue
        if before is not None and not replace:
            raise _is_there(rule, before, content)
        changes[rule.rule_id] = _next_version(rule, before)
    asyncio.run(publish(settings, RULES, changes))
    for rule in content.rules:
        say(rule.rule_id)


@app.command(epilog="Example:\n\nwirewatch rules remove ai tech-regulation")
def remove(
    rule_ids: Annotated[
        list[str], typer.Argument(metavar="RULE_ID...", help="As shown by `rules list`.")
    ],
    broker: BrokerOption = "",
) -> None:
    """Remove rules. If one of them is unknown, none is removed. Their open alerts are closed.

    A rule of rules.yaml comes back when that file is published again; `enabled: false` there
    switches it off for good.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    gone = _known(rules_from_broker(settings), rule_ids)
    for rule in gone:
        if rule.origin == "file":
            note(
                f"{rule.rule_id} is from rules.yaml, and comes back with it; take it out there too"
            )
    asyncio.run(publish(settings, RULES, {rule.rule_id: None for rule in gone}))
    for rule in gone:
        say(f"removed {rule.rule_id}")


def _says_the_same(rule: Rule, before: Rule) -> bool:
    """Whether adding a rule would change nothing: not even its version, which may have been raised."""
    same = structs.replace(before, origin=rule.origin, version=rule.version)
    return same == rule and rule.version <= before.version


def _next_version(rule: Rule, before: Rule | None) -> Rule:
    """The rule to write: alerts tell by its version which text of a rule made them."""
    version = rule.version if before is None else max(rule.version, before.version + 1)
    # Of origin "cli", or the next start would bring back what rules.yaml says.
    return structs.replace(rule, version=version, origin="cli")


def _is_there(rule: Rule, before: Rule, content: RuleFile) -> ConfigError:
    number = content.rules.index(rule)
    return ConfigError(
        f"{rule.rule_id!r} is already there, in version {before.version}: {before.name}",
        file=str(content.path),
        line=content.line_of(f"rules[{number}].id"),
        field="id",
        cure="replace it with --replace, or choose another id",
    )


def _known(known: Mapping[str, Rule], rule_ids: Iterable[str]) -> list[Rule]:
    for rule_id in rule_ids:
        if rule_id not in known:
            cure = cure_for_rule(rule_id, known, "`wirewatch rules list`")
            raise NotFoundError(f"no rule {rule_id!r}", cure=cure)
    return [known[rule_id] for rule_id in dict.fromkeys(rule_ids)]


app.command(
    "list",
    epilog="Examples:\n\nwirewatch rules list\n\nwirewatch rules list my-rules.yaml --json",
)(looking.list_)
app.command(
    epilog="Examples:\n\nwirewatch rules check\n\nwirewatch rules check my-rules.yaml --strict"
    "\n\nwirewatch rules check my-rules.yaml --live --json"
)(looking.check)
app.command(
    "test",
    epilog="Examples:\n\nwirewatch rules test ai-policy 'Zuckerberg fordert Regeln für KI'\n\n"
    "wirewatch rules test my-rules.yaml --file article.html --lang de --json",
)(looking.try_)
