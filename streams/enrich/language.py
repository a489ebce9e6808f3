"""Which language a text is written in.

py3langid, restricted to the languages that feeds here are written in, gives probabilities; the
declared language weighs in as a prior that fades with the length of the text, because a feed's
own tag is often wrong and names pull short headlines towards German.
"""

from __future__ import annotations

import functools
import re

from py3langid.langid import MODEL_FILE, LanguageIdentifier

__all__ = ["LANGUAGES", "UNDETERMINED", "detect"]

LANGUAGES = ("de", "en", "fr", "es", "it", "nl", "pl", "pt", "uk", "ru")
"""ISO 639-1 codes that can be found."""
UNDETERMINED = "und"
MIN_PROBABILITY = 0.6
"""Below this the language stays undetermined."""
MIN_WORDS = 3
"""Fewer words say nothing by themselves: only a declared language is then believed."""
PRIOR_ODDS = 9.0
"""Odds that the declared language gets on a headline: decides unclear ones, never clear ones."""
PRIOR_LENGTH = 60
"""Characters up to which the prior counts in full; beyond, its weight falls as 1/length."""
SAMPLE_LENGTH = 400
"""Characters that are looked at, some 60 words; more hardly changes the answer, only the time."""

_WORD = re.compile(r"[^\W\d_]{2,}")


def detect(text: str, declared: str = "") -> tuple[str, float]:
    """Find the language of a text.

    Args:
        text: plain text; its first 400 characters are used.
        declared: BCP 47 tag that the feed or entry claims ("de-AT"), or "".

    Returns:
        ISO 639-1 code and its probability; ("und", probability) where no language is likely
        enough, or where fewer than three words stand alone.
    """
    sample = text[:SAMPLE_LENGTH]
    prior = declared.lower().replace("_", "-").split("-")[0]
    prior = prior if prior in LANGUAGES else ""
    few = len(_WORD.findall(sample)) < MIN_WORDS
    if few and not prior:
        return UNDETERMINED, 0.0
    probabilities = dict(_identifier().rank(sample))
    if prior:
        fading = min(1.0, PRIOR_LENGTH / max(len(sample), 1))
        probabilities[prior] *= PRIOR_ODDS**fading
    lang = max(probabilities, key=lambda code: probabilities[code])
    probability = probabilities[lang] / sum(probabilities.values())
    if probability < MIN_PROBABILITY or (few and lang != prior):
        return UNDETERMINED, probability
    return lang, probability


@functools.cache
def _identifier() -> LanguageIdentifier:
    """Load the model once per process, when it is first needed (about 0.1 s)."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
