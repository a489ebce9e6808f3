"""What a rule may ask of one mention: each criterion with its test and its words.

A criterion is named as its key in rules.yaml. Tests are cheap and build nothing; words are for people, and
fit whether the mention has enough of it or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from streams.records import Mention, Rule, Selection

__all__ = ["CRITERIA", "Criterion", "Selecting"]

Selecting: TypeAlias = Rule | Selection
"""Both have figures, policy_topics and sources."""

NAMES_TOLD = 8
"""Of a list in a reason; a rule may name a thousand figures."""


class Criterion(NamedTuple):
    """One thing to ask of a mention."""

    name: str
    stated: Callable[[Selecting], object]
    """Whether the rule says anything about it."""
    fails: Callable[[Selecting, Mention], object]
    """Whether a mention falls short; false where nothing is stated."""
    words: Callable[[Selecting, Mention], str]
    """What the mention has of it, whether that is enough or not."""


# --- figures ----------------------------------------------------------------------------------


def _off_lists(rule: Selecting, mention: Mention) -> bool:
    wanted = rule.figures.lists
    return bool(wanted) and not any(name in wanted for name in mention.figure.lists)


def _list_words(rule: Selecting, mention: Mention) -> str:
    hit, wanted = mention.figure, rule.figures.lists
    if found := [name for name in hit.lists if name in wanted]:
        return f"{hit.figure_id} is on {_joined(found)}"
    return f"{hit.figure_id} is on none of {_joined(wanted)}"


def _unsure(rule: Selecting, mention: Mention) -> bool:
    """Too unsure, or not named at all: some mentions only tell that stories have become one."""
    confidence = mention.figure.confidence
    return confidence < rule.figures.min_confidence or confidence == 0.0


def _confidence_words(rule: Selecting, mention: Mention) -> str:
    if mention.figure.confidence == 0.0:
        return "the item does not name the figure"
    return _against(mention.figure.confidence, rule.figures.min_confidence)


def _role_words(rule: Selecting, mention: Mention) -> str:
    found = mention.figure.role
    told = f"the part is {found}" if found else "the part was not decided"
    return told if found in rule.figures.roles else f"{told}, not {_joined(rule.figures.roles)}"


def _elsewhere(rule: Selecting, mention: Mention) -> bool:
    wanted = rule.figures.fields
    return bool(wanted) and not any(place.field in wanted for place in mention.figure.mentions)


def _field_words(rule: Selecting, mention: Mention) -> str:
    found = sorted({place.field for place in mention.figure.mentions})
    wanted = rule.figures.fields
    told = f"named in {_joined(found) or 'no field'}"
    return f"{told}, not in {_joined(wanted)}" if _elsewhere(rule, mention) else told


def _alone(rule: Selecting, mention: Mention) -> bool:
    wanted = rule.figures.together
    return bool(wanted) and not any(other in wanted for other in mention.other_figures)


def _together_words(rule: Selecting, mention: Mention) -> str:
    wanted, others = rule.figures.together, mention.other_figures
    if found := [other for other in others if other in wanted]:
        return f"with {_joined(found)}"
    return f"none of {_joined(wanted)}, only {_joined(others) or 'the figure itself'}"


# --- policy topics ----------------------------------------------------------------------------


def _no_topic(rule: Selecting, mention: Mention) -> bool:
    wanted = rule.policy_topics
    return bool(wanted.any) and not any(
        hit.policy_topic in wanted.any and hit.score >= wanted.min_score
        for hit in mention.policy_topics
    )


def _best_words(rule: Selecting, mention: Mention) -> str:
    wanted, scores = rule.policy_topics, _scores(mention)
    found = [topic for topic in wanted.any if topic in scores]
    if not found:
        return f"none of {_joined(wanted.any)} was found, {wanted.min_score:.2f} is needed"
    best = max(found, key=lambda topic: scores[topic])
    return f"best is {best} with {_against(scores[best], wanted.min_score)}"


def _topic_missing(rule: Selecting, mention: Mention) -> bool:
    wanted = rule.policy_topics
    return bool(wanted.all) and not all(
        any(
            hit.policy_topic == topic and hit.score >= wanted.min_score
            for hit in mention.policy_topics
        )
        for topic in wanted.all
    )


def _missing_words(rule: Selecting, mention: Mention) -> str:
    """The missing ones, or all of them where none is missing."""
    wanted, scores = rule.policy_topics, _scores(mention)
    missing = [topic for topic in wanted.all if scores.get(topic, -1.0) < wanted.min_score]
    return _topics_against(missing or wanted.all, scores, wanted.min_score)


def _topic_unwanted(rule: Selecting, mention: Mention) -> bool:
    wanted = rule.policy_topics
    return bool(wanted.none) and any(
        hit.policy_topic in wanted.none and hit.score >= wanted.min_score
        for hit in mention.policy_topics
    )


def _unwanted_words(rule: Selecting, mention: Mention) -> str:
    wanted, scores = rule.policy_topics, _scores(mention)
    unwanted = [topic for topic in wanted.none if scores.get(topic, -1.0) >= wanted.min_score]
    return _topics_against(unwanted or wanted.none, scores, wanted.min_score)


def _scores(mention: Mention) -> dict[str, float]:
    return {hit.policy_topic: hit.score for hit in mention.policy_topics}


def _topics_against(topics: Iterable[str], scores: dict[str, float], least: float) -> str:
    told = (
        f"{topic} has {_against(scores[topic], least)}"
        if topic in scores
        else f"{topic} was not found"
        for topic in topics
    )
    return ", ".join(told)


# --- wording ----------------------------------------------------------------------------------


def _against(value: float, least: float) -> str:
    """Both numbers, with as many digits as it takes to tell them apart."""
    sign = "≥" if value >= least else "<"
    digits = next((d for d in (2, 3, 4) if f"{value:.{d}f}" != f"{least:.{d}f}"), 2)
    return f"{value:.{digits}f} {sign} {least:.{digits}f}"


def _among(found: object, wanted: Iterable[object]) -> str:
    wanted = tuple(wanted)
    told = str(found) or "not known"
    return told if found in wanted else f"{told} is not among {_joined(wanted)}"


def _joined(words: Iterable[object]) -> str:
    shown = [str(word) for word in words]
    more = len(shown) - NAMES_TOLD
    return ", ".join(shown[:NAMES_TOLD]) + (f" and {more} more" if more > 0 else "")


def _excluded(found: str, unwanted: tuple[str, ...]) -> str:
    return f"{found} is excluded" if found in unwanted else f"{found} is not excluded"


# --- all criteria, in the order in which they are tried -------------------------------------

CRITERIA: tuple[Criterion, ...] = (
    Criterion(
        "figures.any",
        lambda rule: rule.figures.any,
        lambda rule, m: rule.figures.any and m.figure.figure_id not in rule.figures.any,
        lambda rule, m: _among(m.figure.figure_id, rule.figures.any),
    ),
    Criterion("figures.lists", lambda rule: rule.figures.lists, _off_lists, _list_words),
    Criterion(
        "figures.exclude",
        lambda rule: rule.figures.exclude,
        lambda rule, m: m.figure.figure_id in rule.figures.exclude,
        lambda rule, m: _excluded(m.figure.figure_id, rule.figures.exclude),
    ),
    Criterion(
        "figures.min_confidence",
        lambda rule: True,
        _unsure,
        _confidence_words,
    ),
    Criterion(
        "figures.roles",
        lambda rule: rule.figures.roles,
        lambda rule, m: rule.figures.roles and m.figure.role not in rule.figures.roles,
        _role_words,
    ),
    Criterion("figures.fields", lambda rule: rule.figures.fields, _elsewhere, _field_words),
    Criterion("figures.together", lambda rule: rule.figures.together, _alone, _together_words),
    Criterion("policy_topics.any", lambda rule: rule.policy_topics.any, _no_topic, _best_words),
    Criterion(
        "policy_topics.all", lambda rule: rule.policy_topics.all, _topic_missing, _missing_words
    ),
    Criterion(
        "policy_topics.none", lambda rule: rule.policy_topics.none, _topic_unwanted, _unwanted_words
    ),
    Criterion(
        "sources.langs",
        lambda rule: rule.sources.langs,
        lambda rule, m: rule.sources.langs and m.item.lang not in rule.sources.langs,
        lambda rule, m: _among(m.item.lang, rule.sources.langs),
    ),
    Criterion(
        "sources.tiers",
        lambda rule: rule.sources.tiers,
        lambda rule, m: rule.sources.tiers and m.item.tier not in rule.sources.tiers,
        lambda rule, m: _among(m.item.tier, rule.sources.tiers),
    ),
    Criterion(
        "sources.feeds",
        lambda rule: rule.sources.feeds,
        lambda rule, m: rule.sources.feeds and m.item.feed_id not in rule.sources.feeds,
        lambda rule, m: _among(m.item.feed_id, rule.sources.feeds),
    ),
    Criterion(
        "sources.exclude",
        lambda rule: rule.sources.exclude,
        lambda rule, m: m.item.feed_id in rule.sources.exclude,
        lambda rule, m: _excluded(m.item.feed_id, rule.sources.exclude),
    ),
)
