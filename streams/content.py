"""The configuration that people write: five YAML files, read and checked together.

feeds.yaml, watchlist.yaml and rules.yaml are published to the control topics, from where every
process follows them; the files of policy/ are read by the processes that enrich, notify.yaml by notify.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from streams.alerts.rules import read_rules
from streams.broker.broadcast import seed
from streams.broker.topics import FEEDS, RULES, WATCHLIST
from streams.config import Settings
from streams.enrich.policy import read_policy
from streams.enrich.watchlist import read_watchlist, weak_names
from streams.feeds.registry import read_feeds
from streams.records import Feed, Figure, Rule
from streams.sinks.notify import read_receivers

__all__ = ["Content", "publish_content", "read_content"]


class Content(msgspec.Struct, frozen=True):
    """What the files say, by id."""

    feeds: Mapping[str, Feed]
    figures: Mapping[str, Figure]
    rules: Mapping[str, Rule]
    policy_topics: tuple[str, ...]
    receivers: tuple[str, ...]
    """Who is told about alerts, by id."""
    warnings: tuple[str, ...]
    """What is allowed, but probably not meant."""


def read_content(folder: Path, feeds: list[Feed] | None = None) -> Content:
    """Read and check the files of a folder, also against each other.

    Args:
        folder: where they are.
        feeds: instead of those of feeds.yaml; then nobody is told about alerts either.

    Raises:
        NotFoundError: a file is missing.
        ConfigError: a file is wrong; names file, line, field and cure.
    """
    policy = read_policy(folder / "policy")
    policy_topics = tuple(topic.id for topic in policy.topics)
    figures = read_watchlist(folder / "watchlist.yaml")
    rules = read_rules(folder / "rules.yaml", figures=figures, policy_topics=policy_topics)
    receivers: tuple[str, ...] = ()
    if feeds is None:
        feeds = read_feeds(folder / "feeds.yaml")
        if (folder / "notify.yaml").exists():  # it may be absent: telling nobody is fine
            receivers = tuple(read_receivers(folder / "notify.yaml"))
    return Content(
        feeds={feed.feed_id: feed for feed in feeds},
        figures={figure.figure_id: figure for figure in figures},
        rules={rule.rule_id: rule for rule in rules},
        policy_topics=policy_topics,
        receivers=receivers,
        warnings=tuple(weak_names(figures)),
    )


async def publish_content(settings: Settings, content: Content) -> dict[str, int]:
    """Bring the control topics in line with the files; what came by command stays.

    Returns:
        How many entries were written or removed, by topic.

    Raises:
        BrokerError: the broker cannot be used, or the topics are missing.
    """
    return {
        FEEDS: await seed(settings, FEEDS, Feed, content.feeds),
        WATCHLIST: await seed(settings, WATCHLIST, Figure, content.figures),
        RULES: await seed(settings, RULES, Rule, content.rules),
    }
