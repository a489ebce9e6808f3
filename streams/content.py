"""The configuration that people write: five YAML files, read and checked together.

feeds.yaml, watchlist.yaml and rules.yaml are published to the control topics, from where every
process follows them; the files of policy/ are read by the processes that enrich, notify.yaml by notify.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from streams.alerts.rule_doubts import untold
from streams.alerts.rule_routes import read_routes
from streams.alerts.rules import read_rules
from streams.broker.broadcast import publish, read, seed
from streams.broker.topics import FEEDS, RULES, WATCHLIST
from streams.config import Settings
from streams.enrich.policy import read_policy
from streams.enrich.watchlist import read_watchlist, weak_names
from streams.enrich.watchlist.erasing import is_erased, mark_id
from streams.feeds.registry import read_feeds
from streams.records import Feed, Figure, Rule
from streams.sinks.notify import read_receivers

__all__ = ["Content", "Published", "publish_content", "read_content"]


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


class Published(msgspec.Struct, frozen=True):
    """What has become of the files on the broker."""

    changes: Mapping[str, int]
    """How many entries were written or removed, by topic."""
    left_out: tuple[str, ...] = ()
    """figure_ids of watchlist.yaml that stay out, since they were erased."""

    @property
    def warnings(self) -> list[str]:
        """What to tell whoever published, a line each."""
        return [
            f"watchlist.yaml: {figure_id} was erased, and is not watched (remove it from the file, or "
            f"let it in with `wirewatch config publish --allow-again {figure_id}`)"
            for figure_id in self.left_out
        ]


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
    receivers: tuple[str, ...] = ()
    routes: frozenset[str] | None = None
    known: tuple[str, ...] = ()  # other feeds than those of feeds.yaml are none that rules name
    if feeds is None:
        feeds = read_feeds(folder / "feeds.yaml")
        known = tuple(feed.feed_id for feed in feeds)
        if (folder / "notify.yaml").exists():  # it may be absent: telling nobody is fine
            receivers = tuple(read_receivers(folder / "notify.yaml"))
            routes = read_routes(folder / "notify.yaml")
    rules = read_rules(
        folder / "rules.yaml", figures=figures, policy_topics=policy_topics, feeds=known
    )
    doubts = untold(rules, routes) if routes else []
    return Content(
        feeds={feed.feed_id: feed for feed in feeds},
        figures={figure.figure_id: figure for figure in figures},
        rules={rule.rule_id: rule for rule in rules},
        policy_topics=policy_topics,
        receivers=receivers,
        warnings=(
            *weak_names(figures),
            *(f"rules.yaml: {each.rule_id}: {each.message} ({each.cure})" for _, each in doubts),
        ),
    )


async def publish_content(
    settings: Settings, content: Content, allow_again: Collection[str] = ()
) -> Published:
    """Bring the control topics in line with the files; what came by command stays.

    Figures that were erased stay out, and end nothing: an old file must not stop all others' watching.

    Args:
        settings: whose broker is set.
        content: of the files.
        allow_again: figure_ids that come in although they were erased.

    Raises:
        BrokerError: the broker cannot be used, or the topics are missing.
    """
    lifted = {mark_id(figure_id): None for figure_id in allow_again}
    await publish(settings, WATCHLIST, lifted)
    marks = await read(settings, WATCHLIST, Figure)
    left_out = tuple(figure_id for figure_id in content.figures if is_erased(figure_id, marks))
    figures = {key: figure for key, figure in content.figures.items() if key not in left_out}
    changes = {
        FEEDS: await seed(settings, FEEDS, Feed, content.feeds),
        WATCHLIST: await seed(settings, WATCHLIST, Figure, figures),
        RULES: await seed(settings, RULES, Rule, content.rules),
    }
    return Published(changes, left_out)
