"""What rules may name, from the configuration folder or from the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from streams.alerts.rule_checks import Known
from streams.alerts.rule_routes import read_routes
from streams.broker.broadcast import read
from streams.broker.topics import FEEDS, RULES, WATCHLIST
from streams.config import Settings
from streams.enrich.policy import read_policy
from streams.enrich.watchlist import read_watchlist
from streams.feeds.registry import read_feeds
from streams.meant import close_ids
from streams.printing import note
from streams.records import Feed, Figure, Rule

__all__ = [
    "cure_for_rule",
    "figures_from_broker",
    "known_from_broker",
    "known_from_files",
    "rules_from_broker",
]


def known_from_files(settings: Settings) -> Known:
    """What the files of the configuration folder have; a note for each that is not there.

    Raises:
        ConfigError: one of them is wrong.
    """
    folder = settings.config_folder
    figures: tuple[Figure, ...] = ()
    feeds: frozenset[str] = frozenset()
    if _is_there(settings, "watchlist.yaml", "figures and lists"):
        figures = tuple(read_watchlist(folder / "watchlist.yaml"))
    if _is_there(settings, "feeds.yaml", "feeds"):
        feeds = frozenset(feed.feed_id for feed in read_feeds(folder / "feeds.yaml"))
    routes = read_routes(folder / "notify.yaml")
    return Known(figures, _policy_topics(settings), feeds, routes)


def known_from_broker(settings: Settings) -> Known:
    """What the broker has; policy topics and routes are those of the configuration folder.

    Raises:
        BrokerError: it cannot be reached.
        ConfigError: the folder of policy topics is wrong.
    """
    figures = figures_from_broker(settings)
    feeds = asyncio.run(read(settings, FEEDS, Feed))
    routes = read_routes(settings.config_folder / "notify.yaml")
    return Known(tuple(figures), _policy_topics(settings), frozenset(feeds), routes)


def figures_from_broker(settings: Settings) -> list[Figure]:
    """The live watchlist, sorted by id.

    Raises:
        BrokerError: it cannot be reached.
    """
    return [figure for _, figure in sorted(asyncio.run(read(settings, WATCHLIST, Figure)).items())]


def rules_from_broker(settings: Settings) -> Mapping[str, Rule]:
    """The live rules by id.

    Raises:
        BrokerError: it cannot be reached.
    """
    return dict(sorted(asyncio.run(read(settings, RULES, Rule)).items()))


def cure_for_rule(rule_id: str, rules: Mapping[str, Rule], where: str) -> str:
    """What to do about a rule_id that nothing has."""
    close = close_ids(rule_id, rules)
    return f"did you mean {', '.join(close)}?" if close else f"see {where}"


def _policy_topics(settings: Settings) -> frozenset[str]:
    if not _is_there(settings, "policy", "policy topics"):
        return frozenset()
    lexicon = read_policy(settings.config_folder / "policy")
    return frozenset(topic.id for topic in lexicon.topics)


def _is_there(settings: Settings, name: str, what: str) -> bool:
    path = settings.config_folder / name
    if not path.exists():
        note(f"no {path}: names of {what} are not checked (WIREWATCH_CONFIG names the folder)")
    return path.exists()
