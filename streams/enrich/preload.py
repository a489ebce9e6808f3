"""What every process of the enrich pool needs, loaded once, where they are forked from.

Only the pool's fork server imports this module. New processes begin with all of it, so that one that replaces
another starts in a second instead of in five, and its memory is shared until it is written to.
"""

from __future__ import annotations

import spacy

from streams.enrich import batch
from streams.enrich.language import detect
from streams.enrich.terms import load_dictionaries

__all__ = ["batch", "spacy"]

detect("The first text of a process loads the model for all that come.")
load_dictionaries()
