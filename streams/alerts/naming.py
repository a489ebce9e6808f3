"""What makes an alert this one and no other; its id is a pure function of that."""

from __future__ import annotations

from functools import lru_cache

from streams.records import Alert, Mention, Rule, stable_id

__all__ = [
    "alert_id_of",
    "alert_name",
    "burst_story",
    "group_of",
    "is_burst",
    "is_silence",
    "silence_story",
]

_BURST, _SILENCE = "burst:", "silence:"


def burst_story(trend_id: str) -> str:
    """What an alert about a burst has for a story."""
    return _BURST + trend_id


def silence_story(item_id: str) -> str:
    """What an alert has for a story that tells that nothing has come since an item."""
    return _SILENCE + item_id


def is_burst(alert: Alert) -> bool:
    """Whether an alert tells of a burst, and not of a story."""
    return alert.story_id.startswith(_BURST)


def is_silence(alert: Alert) -> bool:
    """Whether an alert tells that there is no story."""
    return alert.story_id.startswith(_SILENCE)


def group_of(rule: Rule, mention: Mention) -> str:
    """What an alert is about beside rule and figure: a story, or the day (UTC) of its items.

    A rule that counts stories says something of the figure, so its alerts are never one per story. Those about
    a burst or a silence are one for each, which the mention has for a story by then.
    """
    if rule.when.kind in ("burst", "silence"):
        return mention.story.story_id
    if rule.group_by == "figure" or rule.when.kind == "count":
        return mention.item.seen_at.date().isoformat()
    return mention.story.story_id


def alert_id_of(rule: Rule, mention: Mention, episode: int = 0) -> str:
    """One living alert per rule, figure and story, and per time that it has begun again."""
    return alert_name(rule.rule_id, mention.figure.figure_id, group_of(rule, mention), episode)


@lru_cache(maxsize=16_384)
def alert_name(rule_id: str, figure_id: str, group: str, episode: int = 0) -> str:
    """The id of an alert by what makes it this one; `group` is a story or a day.

    Asked for thrice per revision, and a quarter of its cost: the latest answers are kept.
    """
    again = (str(episode),) if episode else ()
    return stable_id("alert", rule_id, figure_id, group, *again)
