"""What each piece of evidence about a name weighs: the one place to calibrate."""

from __future__ import annotations

from streams.records import Reason

__all__ = ["WEIGHTS", "weighed"]

WEIGHTS: dict[str, float] = {
    # What the name says by itself, by kind and strength.
    "full strong": 3.0,
    "full context": 0.4,
    "initial strong": 1.8,
    "initial context": 0.4,
    "handle strong": 2.5,
    "handle context": -0.8,
    "surname strong": 1.5,
    "surname context": -0.8,
    "word strong": 1.5,
    "word context": -0.8,
    "acronym strong": 1.5,
    "acronym context": -0.8,
    "given strong": -2.0,
    "given context": -2.0,
    # What it nearly is: these sums are possible, and no more.
    "nearly full": 0.6,
    "a letter off": -0.9,
    "two letters off": -1.0,
    # Whose name it is.
    "full name before": 2.5,
    "full name later": 2.0,
    "own given name before": 2.5,
    "somebody else before, strong": -1.7,
    "somebody else before, context": -3.0,
    "somebody else later, strong": -1.0,
    "somebody else later, context": -3.0,
    "another given name before": -6.0,
    "another name before": -1.5,
    "another body": -4.0,
    "namesake suffix": -6.0,
    "double name": -2.0,
    # What stands beside it.
    "own title": 2.0,
    "title": 1.0,
    "own title alone": 1.6,
    "kicker": 2.0,
    "another title": -2.5,
    "role": 2.0,
    "word acts": 2.0,
    "acts": 0.8,
    "owns": 2.0,
    "capital in running text": 2.0,
    "name without article": 2.0,
    "no article": 1.0,
    "part of a longer name": -3.0,
    "stands for something else": -4.0,
    "plural": -1.5,
    "negative cue": -3.5,
    # What else the item says.
    "cue near": 2.0,
    "cue": 1.6,
    "further cue": 0.5,
    "related figure": 1.2,
    "listed with": 2.0,
    "listed with another": 1.2,
    "a word of company news": 1.0,
    "company news": 2.0,
    "much company news": 2.2,
    "a word of its business": 0.6,
    "words of its business": 1.2,
    "another field": -1.5,
    "sport": -2.5,
}
"""Log-odds of each piece of evidence, the one place to calibrate.

Judged, then checked on labelled items (`wirewatch eval figures`). A cue in the same headline and lead
carries a context name alone, and so does a capital in English running text; a figure's own title
outweighs a general one; an unknown capitalised word before a surname costs less than a known given
name.
"""


def weighed(rule: str, detail: str) -> Reason:
    """A reason with the weight of its rule."""
    return Reason(rule=rule, detail=detail, weight=WEIGHTS[rule])
