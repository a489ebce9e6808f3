"""Which language a text is written in.

py3langid, restricted to the languages that feeds here are written in, gives probabilities. What the
feed has been written in so far weighs in as a prior that fades with the length of the text: names
pull short headlines towards German. The tag that a feed declares is often wrong, so it counts less,
and only while nothing is learned.
"""

from __future__ import annotations

import functools
import itertools
import re
from array import array

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from streams.enrich.text import html_to_text

__all__ = ["LANGUAGES", "UNDETERMINED", "certain", "detect", "shard_of"]

LANGUAGES = ("de", "en", "fr", "es", "it", "nl", "pl", "pt", "uk", "ru")
"""ISO 639-1 codes that can be found."""
TOLD_TOGETHER = ("de", "en")
"""Languages between which stories are joined: full detection runs in both."""
UNDETERMINED = "und"
MIN_PROBABILITY = 0.6
"""Below this the language stays undetermined."""
MIN_WORDS = 3
"""Fewer words say nothing by themselves: only a declared language is then believed."""
LEARNED_ODDS = 9.0
"""Odds that the language of the feed gets on a headline: decides unclear ones, never clear ones."""
DECLARED_ODDS = 4.0
"""The same for a language that is only declared."""
CERTAIN = 0.95
"""Probability from which a long text may teach what its feed is written in."""
CERTAIN_WORDS = 12
"""Words that such a text must have."""
PRIOR_LENGTH = 60
"""Characters up to which the prior counts in full; beyond, its weight falls as 1/length."""
SAMPLE_LENGTH = 250
"""Characters that are looked at, some 40 words; more hardly changes the answer, only the time."""

_WORD = re.compile(r"[^\W\d_]{2,}")


def detect(text: str, declared: str = "", learned: str = "") -> tuple[str, float]:
    """Find the language of a text.

    Args:
        text: plain text; its first 250 characters are used.
        declared: BCP 47 tag that the feed or entry claims ("de-AT"), or "".
        learned: ISO 639-1 code of the language that the feed is mostly written in, or ""; then
            what is declared does not count.

    Returns:
        ISO 639-1 code and its probability; ("und", probability) where no language is likely
        enough, or where fewer than three words stand alone.
    """
    sample = text[:SAMPLE_LENGTH]
    prior = learned or declared.lower().replace("_", "-").split("-")[0]
    prior = prior if prior in LANGUAGES else ""
    odds = LEARNED_ODDS if learned else DECLARED_ODDS
    few = len(list(itertools.islice(_WORD.finditer(sample), MIN_WORDS))) < MIN_WORDS
    if few and not prior:
        return UNDETERMINED, 0.0
    probabilities = dict(_identifier().rank(sample))
    if prior:
        fading = min(1.0, PRIOR_LENGTH / max(len(sample), 1))
        probabilities[prior] *= odds**fading
    lang = max(probabilities, key=lambda code: probabilities[code])
    probability = probabilities[lang] / sum(probabilities.values())
    if probability < MIN_PROBABILITY or (few and lang != prior):
        return UNDETERMINED, probability
    return lang, probability


def certain(content: str) -> str:
    """Language of HTML or text, if that is beyond doubt and it is long enough to tell; else ""."""
    text = html_to_text(content)
    if len(_WORD.findall(text[:SAMPLE_LENGTH])) < CERTAIN_WORDS:
        return ""
    lang, probability = detect(text)
    return lang if probability >= CERTAIN else ""


@functools.cache
def _identifier() -> LanguageIdentifier:
    """Load the model once per process, when it is first needed (about 0.1 s)."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    _lay_together(identifier)
    return identifier


_TABLES = {"tk_output": "i", "_rowbase": "I"}
"""Lists of numbers that py3langid reads for every byte of a text, with their types as arrays."""


def _lay_together(identifier: LanguageIdentifier) -> None:
    """Lay together in memory what is read together: a third of the time went into waiting for it.

    The answers stay the same. A release of py3langid without such lists is left as it is.
    """
    identifier.nb_ptc = np.ascontiguousarray(identifier.nb_ptc)
    for name, code in _TABLES.items():
        table = getattr(identifier, name, None)
        if isinstance(table, list):
            setattr(identifier, name, array(code, table))


def shard_of(lang: str) -> str:
    """Key under which items of a language are enriched: stories can join only what shares one.

    Args:
        lang: ISO 639-1 code, or "und".
    """
    return "+".join(TOLD_TOGETHER) if lang in TOLD_TOGETHER else lang
