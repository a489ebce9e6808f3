"""What the rules mean, in words for a reader who never saw them."""

from __future__ import annotations

from streams.records import Evidence, Reason

__all__ = ["REASONS", "clause_of", "level_in_words", "reason_in_words", "rule_in_words"]

REASONS = {
    "full strong": "the full name stands here: {detail}",
    "full context": "the full name stands here, but others bear it too: {detail}",
    "initial strong": "initial and surname stand here: {detail}",
    "initial context": "initial and surname stand here, which others may bear: {detail}",
    "surname strong": "the surname stands here: {detail}",
    "surname context": "only the surname stands here, and others bear it: {detail}",
    "word strong": "a name of its own stands here: {detail}",
    "word context": "a word stands here that may mean something else: {detail}",
    "acronym strong": "its acronym stands here: {detail}",
    "acronym context": "an acronym stands here that others have too: {detail}",
    "handle strong": "the account name stands here: {detail}",
    "handle context": "an account name stands here that others may have: {detail}",
    "given strong": "only a given name stands here: {detail}",
    "given context": "only a given name stands here: {detail}",
    "nearly full": "a person stands here whose name is nearly this one: {detail}",
    "a letter off": "a letter off, so probably mistyped: {detail}",
    "two letters off": "two letters off, so perhaps mistyped: {detail}",
    "full name before": "the full name was said before: {detail}",
    "full name later": "the full name is said later: {detail}",
    "own given name before": "with the right given name: {detail}",
    "somebody else before, strong": "somebody else of that name was said before",
    "somebody else before, context": "somebody else of that name was said before",
    "somebody else later, strong": "somebody else of that name is named in full later",
    "somebody else later, context": "somebody else of that name is named in full later",
    "another given name before": "with somebody else's given name: {detail}",
    "another name before": "behind another word with a capital, probably a given name: {detail}",
    "another body": "another body is named: {detail}",
    "namesake suffix": "a relative of the same name: {detail}",
    "double name": "part of a double name: {detail}",
    "own title": "behind a title of this figure: {detail}",
    "own title alone": "a title of this figure stands nearby: {detail}",
    "kicker": "a colon behind it says whose news it is: {detail}",
    "title": "behind a title: {detail}",
    "another title": "behind a title that does not fit: {detail}",
    "role": "as an organisation is written: {detail}",
    "word acts": "does something, as somebody does: {detail}",
    "acts": "does something, as somebody does: {detail}",
    "owns": "owns something, as somebody does: {detail}",
    "capital in running text": "with a capital in the middle of an English sentence: {detail}",
    "name without article": "without an article, as names are: {detail}",
    "no article": "no article before it",
    "part of a longer name": "part of a longer name: {detail}",
    "stands for something else": "the text itself says what it stands for: {detail}",
    "plural": "a plural, so a family or a product: {detail}",
    "negative cue": "a word nearby speaks against it: {detail}",
    "cue near": "words nearby that fit this figure: {detail}",
    "further cue": "one more word that fits this figure",
    "cue": "words elsewhere that fit this figure: {detail}",
    "related figure": "somebody related is named in full: {detail}",
    "listed with": "in one list with {detail}",
    "listed with another": "in one list with {detail}",
    "a word of company news": "a word of company news nearby: {detail}",
    "company news": "words of company news nearby: {detail}",
    "much company news": "many words of company news nearby: {detail}",
    "a word of its business": "a word of this person's business nearby: {detail}",
    "words of its business": "words of this person's business nearby: {detail}",
    "another field": "words of sport or the arts, none of politics or companies: {detail}",
    "sport": "among words of sport: {detail}",
    "words": "what the words say",
    "meaning": "what it means as a whole: {detail}",
}
"""Rule to its meaning; `{detail}` is what stands in the text."""

_RULES = {
    "strong": "says it alone",
    "weak": "says it with support",
    "context": "supports it",
    "meaning": "the sentence as a whole",
}


def reason_in_words(reason: Reason) -> str:
    """A reason as a clause, with its log-odds in front: "+3.0 the full name stands here: …"."""
    return f"{reason.weight:+.1f} {clause_of(reason)}"


def clause_of(reason: Reason) -> str:
    """A reason without its weight."""
    words = REASONS.get(reason.rule, f"{reason.rule}: {{detail}}")
    return words.format(detail=reason.detail)


def rule_in_words(place: Evidence) -> str:
    """What a place of a policy topic is evidence of; a pattern by its name."""
    if place.rule == "pattern":
        return place.detail.partition(" ")[0].replace("-", " ")
    return _RULES.get(place.rule, place.rule)


def level_in_words(confidence: float, level: str) -> str:
    """How sure a figure is: "98 %, sure enough to alert"."""
    told = "sure enough to alert" if level == "alert" else "possible: stored, but never alerts"
    return f"{confidence:.0%}, {told}"
