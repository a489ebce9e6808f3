"""Where the feeds of a site may be: addresses worth a try, best first. Pure.

A page says it by `<link rel="alternate">`, or by links that look like feeds; else there are the
paths at which feeds usually are, and the news sitemaps in robots.txt. Whether something is a feed
is found out by reading it: see `streams.feeds.finding`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import urldefrag, urljoin, urlsplit

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser, LexborNode

from streams.feeds.document import clean, primary_lang
from streams.feeds.guard import refuse_url
from streams.feeds.hosts import host_key
from streams.feeds.links import canonical_url

__all__ = ["Candidate", "Page", "Reason", "news_sitemaps", "read_page", "usual_paths"]

Reason = Literal["itself", "link", "anchor", "usual path", "sitemap"]
"""Why an address may be that of a feed: it was given, a page announces it, a page links to it and
it looks like one, feeds are often there, or robots.txt names it."""

MAX_CANDIDATES = 200
"""Kept of one page; far more than a search tries."""
MAX_TITLE_BYTES = 200

_LINK_TYPES = frozenset({
    "application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml",
    "application/xml", "text/xml",
})  # fmt: skip
_USUAL_PATHS = (
    "/feed/", "/rss.xml", "/feed.xml", "/atom.xml", "/rss", "/index.xml", "/feed", "/index.rss",
    "/feed.json",
)  # fmt: skip

# What an address of a feed looks like: by a part of its path, its query or its host.
_FEED_PATH = re.compile(
    r"(?:^|[/._~-])(?:rss\d*|feeds?|newsfeed|rdf)(?:$|[/.~_])|[/._~-]rss-|/index\.xml$"
    r"|/atom/?$|[/._~-]atom\.|\.atom$",  # but no path about atoms, of which politics has many
    re.IGNORECASE,
)
_FEED_QUERY = re.compile(
    r"(?:^|[&?])(?:feed|format|type|output|alt|view)=(?:rss|atom|feed|rdf|xml)", re.IGNORECASE
)
_FEED_HOST = re.compile(r"^(?:rss|feeds?|newsfeeds?)\.", re.IGNORECASE)
_FEED_WORD = re.compile(r"\brss\b|\b(?:news|rss|atom)[- ]?feeds?\b|^atom$", re.IGNORECASE)
_WORD_WITHIN = 40  # characters; longer ones are headlines
_NO_FEED = re.compile(r"\.(?:html?|pdf|png|jpe?g|gif|svg|webp|css|js|mp3|mp4|zip)$", re.IGNORECASE)

# Feeds of readers' comments, and the programming interface that WordPress announces beside them.
_UNWANTED_URL = re.compile(
    r"/wp-json/|/oembed\b|/comments?[/._-]?(?:feed|rss|atom|default)|[?&]feed=comments"
    r"|/(?:rss|atom|feed)/comments?\b",
    re.IGNORECASE,
)
_UNWANTED_TITLE = re.compile(
    r"\bcomments? feed\b|\bcomments (?:for|on)\b|\bkommentar-?feed\b|\bflux des commentaires\b"
    r"|\bfeed de comentarios\b",
    re.IGNORECASE,
)
_SITEMAP_LINE = re.compile(r"^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
MAX_ROBOTS = 512 * 1024
"""Characters of a robots.txt that are read; RFC 9309 asks for 500 KiB at least."""
_SHOWN_TEXT = 100


class Candidate(Struct, frozen=True):
    """An address that may be that of a feed."""

    url: str
    """Absolute, http or https, without fragment."""
    title: str = ""
    """What the page calls it."""
    reason: Reason = "link"
    lang: str = ""
    """Language that the page says it has (`hreflang`)."""


class Page(Struct, frozen=True):
    """What a web page says about feeds."""

    lang: str = ""
    candidates: tuple[Candidate, ...] = ()
    """Best first."""


def read_page(html: str, url: str) -> Page:
    """Find what a page says about feeds.

    Parsing hostile HTML may take unbounded time and memory (100,000 nested elements: 17 s), so
    strangers' pages are read in a process that may be killed.

    Args:
        html: the page.
        url: where it is, after redirects.

    Returns:
        Feeds of the same site before those of others, announced ones before mere links; then
        those in the page's language, of the page's section, and the more general ones.
    """
    tree = LexborHTMLParser(html)
    base = _base(tree, url)
    root = tree.css_first("html")
    lang = primary_lang(_attribute(root, "lang")) if root is not None else ""
    found = {canonical_url(each.url): each for each in reversed(_named(tree, base))}
    found.pop(canonical_url(url), None)
    return Page(lang, tuple(_ranked(reversed(found.values()), url, lang)[:MAX_CANDIDATES]))


def usual_paths(url: str) -> list[Candidate]:
    """Where feeds of a site are when it does not say."""
    return [Candidate(urljoin(url, path), reason="usual path") for path in _USUAL_PATHS]


def news_sitemaps(robots: str, url: str) -> list[Candidate]:
    """The sitemaps of news that a robots.txt names.

    Args:
        robots: the file.
        url: where it is.
    """
    named = (_absolute(url, match[1]) for match in _SITEMAP_LINE.finditer(robots[:MAX_ROBOTS]))
    news = (each for each in named if each and "news" in urlsplit(each).path.lower())
    return [Candidate(each, reason="sitemap") for each in dict.fromkeys(news)]


def _base(tree: LexborHTMLParser, url: str) -> str:
    node = tree.css_first("base[href]")
    return (_absolute(url, _attribute(node, "href")) if node is not None else "") or url


def _named(tree: LexborHTMLParser, base: str) -> list[Candidate]:
    return [*_links(tree, base), *_anchors(tree, base)]


def _links(tree: LexborHTMLParser, base: str) -> Iterator[Candidate]:
    for node in tree.css("link[rel][href]"):
        rel = _attribute(node, "rel").lower().split()
        kind = _attribute(node, "type").lower().partition(";")[0].strip()
        if "feed" in rel or ("alternate" in rel and kind in _LINK_TYPES):
            yield from _candidate(node, base, _attribute(node, "title"), "link")


def _anchors(tree: LexborHTMLParser, base: str) -> Iterator[Candidate]:
    for node in tree.css("a[href]"):
        words = _attribute(node, "title") or node.text(deep=True)[:_SHOWN_TEXT]
        for each in _candidate(node, base, words, "anchor"):
            if _attribute(node, "type").lower() in _LINK_TYPES or _looks_like_feed(each):
                yield each


def _candidate(node: LexborNode, base: str, title: str, reason: Reason) -> Iterator[Candidate]:
    """One, or none if the address is of no use."""
    url = _absolute(base, _attribute(node, "href"))
    if url and not _UNWANTED_URL.search(url) and not _UNWANTED_TITLE.search(title):
        lang = primary_lang(_attribute(node, "hreflang"))
        yield Candidate(url, clean(" ".join(title.split()), MAX_TITLE_BYTES), reason, lang)


def _looks_like_feed(candidate: Candidate) -> bool:
    parts = urlsplit(candidate.url)
    if _FEED_PATH.search(parts.path) or _FEED_QUERY.search(parts.query):
        return not _NO_FEED.search(parts.path)
    if _FEED_HOST.search(parts.netloc):
        return True
    words = candidate.title  # the address may be that of a page that lists feeds
    return len(words) <= _WORD_WITHIN and _FEED_WORD.search(words) is not None


def _absolute(base: str, href: str) -> str:
    """An address to request; "" if it is none. `feed:` is how readers were once started."""
    href = href.strip()
    if href.startswith("feed:http"):
        href = href.removeprefix("feed:")
    elif href.startswith("feed://"):
        href = "http" + href.removeprefix("feed")
    try:
        url = urldefrag(urljoin(base, href)).url
    except ValueError:  # such as a broken IPv6 address
        return ""
    return "" if refuse_url(url) else url


def _ranked(found: Iterable[Candidate], url: str, lang: str) -> list[Candidate]:
    """Best first; what is equal stays in the page's order."""
    home, section = host_key(url), _folder(url)

    def rank(each: Candidate) -> tuple[bool, bool, bool, bool, int]:
        path = urlsplit(each.url).path
        return (
            host_key(each.url) != home,
            each.reason == "anchor",
            bool(lang and each.lang and each.lang != lang),
            not path.startswith(section),
            path.strip("/").count("/"),
        )

    return sorted(found, key=rank)


def _folder(url: str) -> str:
    """`/politik/eu/` for `…/politik/eu/` and for `…/politik/eu/page.html`."""
    return urlsplit(url).path.rpartition("/")[0] + "/"


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""
