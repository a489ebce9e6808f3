"""For documents that make feedparser raise: what to take out of the text, and another parser.

fastfeedparser is given bytes, and so never fetches: it takes only text for an address. Its lxml
parsers leave entities unresolved and the network alone.
"""

from __future__ import annotations

import html.entities
import re
from typing import Any

__all__ = ["parse_otherwise", "plain", "undeclared"]

_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_HEAD = 16 * 1024
"""Characters; a document type comes before all elements. Searching on would take quadratic time."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CHARACTER_REFERENCE = re.compile(r"&#[0-9a-zA-Z]{0,20};?")
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31};)")
_OF_XML = {"amp;", "lt;", "gt;", "quot;", "apos;"}


def undeclared(text: str) -> str:
    """Without document type, and so without entities, and without illegal characters."""
    head, rest = text[:_HEAD], text[_HEAD:]
    return _ILLEGAL.sub("", _DOCTYPE.sub("", head, count=1) + rest)


def plain(text: str) -> str:
    """Without character references too."""
    return _CHARACTER_REFERENCE.sub("", undeclared(text))


def parse_otherwise(text: str) -> dict[str, Any]:
    """Parse plain text by fastfeedparser, into the shape that feedparser gives.

    Raises:
        ValueError: this parser finds no feed either.
    """
    # Only here: hardly any document comes so far.
    import fastfeedparser

    # It ends a text at the first entity that XML does not know.
    document = fastfeedparser.parse(_NAMED.sub(_character, text).encode("utf-8", "replace"))
    return {
        "version": "salvaged",
        "feed": dict(document["feed"]),
        "entries": [_entry(each) for each in document["entries"]],
    }


def _character(reference: re.Match[str]) -> str:
    name = reference[1]
    return reference[0] if name in _OF_XML else html.entities.html5.get(name, reference[0])


def _entry(found: dict[str, Any]) -> dict[str, Any]:
    """Its description is the summary; an enclosure is a link with a relation."""
    enclosures = [{**each, "rel": "enclosure"} for each in found.get("enclosures") or ()]
    return {
        **found,
        "summary": found.get("description"),
        "links": [*(found.get("links") or ()), *enclosures],
    }
