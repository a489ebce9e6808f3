"""From what feedparser found in RSS, Atom and RDF to entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urljoin

from streams.feeds.document import ParsedEntry, Warn, make_entry, numbered
from streams.feeds.formats.dates import DateReader
from streams.feeds.links import is_web_link

__all__ = ["read_entries"]

_get = dict.get
"""feedparser's own lookup takes longer, and substitutes one date for another."""


def read_entries(
    entries: list[Any], channel: Any, lang: str, url: str, warn: Warn
) -> Iterator[ParsedEntry]:
    """Normalise entries; one that cannot be is left out, and `warn` is told.

    Args:
        entries: from feedparser, or in its shape.
        channel: what it found about the feed.
        lang: of the feed, as written.
        url: where the document was found; relative links are resolved against it.
        warn: told what was cut, and of which entry.
    """
    authors = _authors(channel)
    dates = DateReader(lang)
    for number, entry in enumerate(entries, 1):
        try:
            yield _entry(entry, authors, dates, url, numbered(warn, number))
        except Exception as error:  # noqa: BLE001 - one bad entry, whatever is wrong with it
            warn(f"entry {number} left out: {error!r:.200}")


def _entry(
    entry: Any, channel_authors: list[str], dates: DateReader, url: str, warn: Warn
) -> ParsedEntry:
    contents = [_word(_get(each, "value")) for each in _list(entry, "content") if _is_text(each)]
    links = _list(entry, "links")
    tags = _list(entry, "tags")
    media = [*_list(entry, "media_content"), *_list(entry, "media_thumbnail")]
    published, updated = _word(_get(entry, "published")), _word(_get(entry, "updated"))
    return make_entry(
        warn,
        guid=_word(_get(entry, "id")),
        link=_link(entry, links, url),
        title=_word(_get(entry, "title")),
        summary=_word(_get(entry, "summary")),
        body=max(contents, key=len, default=""),
        authors=_authors(entry) or channel_authors,
        categories=[_word(_get(tag, "label")) or _word(_get(tag, "term")) for tag in tags],
        enclosures=[
            _join(url, _word(_get(each, "href")) or _word(_get(each, "url")))
            for each in links
            if _get(each, "rel") == "enclosure"
        ],
        media=[_join(url, _word(_get(each, "url"))) for each in media],
        lang=_language(entry),
        published=dates.read(published, _get(entry, "published_parsed")) if published else None,
        updated=dates.read(updated, _get(entry, "updated_parsed")) if updated else None,
        raw_date=published or updated,
    )


def _link(entry: Any, links: Iterable[Any], url: str) -> str:
    """The entry's page; a guid that feedparser takes for one only if it is a whole address."""
    link = _word(_get(entry, "link"))
    if _get(entry, "guidislink") and not is_web_link(link):
        link = ""
    if not link:  # an alternate that is no HTML
        found = (_word(_get(each, "href")) for each in links if _get(each, "rel") == "alternate")
        link = next(filter(None, found), "")
    return _join(url, link)


def _language(entry: Any) -> str:
    return _word(_get(entry, "language")) or _word(
        _get(_get(entry, "title_detail") or {}, "language")
    )


def _authors(owner: Any) -> list[str]:
    """As feedparser split them, but the last one, of which it keeps the text, as written.

    It ends an address after the fourth letter of a top-level domain, and takes the rest for a name.
    """
    names = [_word(_get(person, "name")) for person in _list(owner, "authors")]
    written = _word(_get(owner, "author"))
    return [*names[:-1], written] if "@" in written else names


def _is_text(content: Any) -> bool:
    kind = _word(_get(content, "type"))
    return kind.startswith("text/") or kind.endswith("xml") or not kind


def _list(owner: Any, key: str) -> list[Any]:
    return _get(owner, key) or []


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _join(base: str, url: str) -> str:
    url = url.strip()
    if not url or url.startswith(("https://", "http://")):
        return url
    try:
        return urljoin(base, url)
    except ValueError:
        return url
