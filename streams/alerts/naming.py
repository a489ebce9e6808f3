"""What makes an alert this one and no other; its id is a pure function of that."""

from __future__ import annotations

from functools import lru_cache

from streams.records import Mention, Rule, stable_id

__all__ = ["alert_id_of", "alert_name", "group_of"]


def group_of(rule: Rule, mention: Mention) -> str:
    """What an alert is about beside rule and figure: a story, or the day (UTC) of its items.

    A rule that counts stories says something of the figure, so its alerts are never one per story.
    """
    if rule.group_by == "figure" or rule.when.kind == "count":
        return mention.item.seen_at.date().isoformat()
    return mention.story.story_id


def alert_id_of(rule: Rule, mention: Mention, episode: int = 0) -> str:
    """One living alert per rule, figure and story, and per time that it has begun again."""
    return alert_name(rule.rule_id, mention.figure.figure_id, group_of(rule, mention), episode)


@lru_cache(maxsize=65_536)
def alert_name(rule_id: str, figure_id: str, group: str, episode: int = 0) -> str:
    """The id of an alert by what makes it this one; `group` is a story or a day.

    Asked for thrice per revision, and a quarter of its cost: the answers are kept.
    """
    again = (str(episode),) if episode else ()
    return stable_id("alert", rule_id, figure_id, group, *again)
