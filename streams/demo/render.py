"""Visible items as RSS 2.0, RSS 1.0 (RDF), Atom, JSON Feed or a web page. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import nh3

from streams.demo.script import Outlet, Script, VisibleItem

__all__ = ["content_type", "page", "render"]

# Prefixes are written out, because ElementTree's own namespaces are global to the process.
NAMESPACES = {
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MEDIA_TYPES = {
    "rss": "application/rss+xml",
    "rdf": "application/rdf+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}
NOTICE = {
    "de": "Erfundene Meldungen zur Vorführung; nichts davon ist geschehen.",
    "en": "Invented for a demonstration; nothing of it has happened.",
}


def content_type(outlet: Outlet) -> str:
    """Value of the HTTP header for a feed."""
    return f"{MEDIA_TYPES[outlet.format]}; charset={outlet.charset}"


def render(script: Script, entries: Sequence[VisibleItem], base_url: str) -> bytes:
    """Write a feed document.

    Args:
        script: whose feed it is; says format, charset and whether texts are HTML.
        entries: in the order to be shown.
        base_url: scheme, host and port of the newsroom, without a slash at the end.

    Returns:
        The document, escaped, in the outlet's charset.
    """
    outlet = script.feed
    if outlet.format == "json":
        return _json(outlet, entries, base_url)
    write = {"rss": _rss, "rdf": _rdf, "atom": _atom}[outlet.format]
    root = write(outlet, entries, base_url)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding=outlet.charset, xml_declaration=True)
    return document


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    child.text = text or None
    return child


def _add_all(parent: ET.Element, *fields: tuple[str, str]) -> None:
    """Add the elements that have a text."""
    for tag, text in fields:
        if text:
            _add(parent, tag, text)


def _date(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _rss(outlet: Outlet, entries: Sequence[VisibleItem], base_url: str) -> ET.Element:
    root = ET.Element("rss", {"version": "2.0", **NAMESPACES})
    channel = _add(root, "channel")
    _add_all(channel, ("title", outlet.title), ("link", f"{base_url}/"))
    _add_all(channel, ("description", NOTICE[outlet.lang]), ("language", outlet.lang))
    for entry in entries:
        item = _add(channel, "item")
        _add_all(item, ("title", entry.title), ("link", base_url + entry.link))
        if entry.guid:
            _add(item, "guid", entry.guid, isPermaLink="false")
        _add_all(
            item,
            ("pubDate", format_datetime(entry.published) if entry.published else ""),
            ("dc:creator", entry.author),
            *(("category", category) for category in entry.categories),
            ("description", entry.summary),
            ("content:encoded", entry.body),
        )
    return root


def _rdf(outlet: Outlet, entries: Sequence[VisibleItem], base_url: str) -> ET.Element:
    """RSS 1.0 lists the items twice: as a table of contents, then in full beside the channel.

    An item without guid is named by its link, as the format asks.
    """
    names = [entry.guid or base_url + entry.link for entry in entries]
    root = ET.Element(
        "rdf:RDF", {"xmlns": "http://purl.org/rss/1.0/", "xmlns:rdf": RDF, **NAMESPACES}
    )
    channel = _add(root, "channel", **{"rdf:about": f"{base_url}/feeds/{outlet.path}"})
    _add_all(channel, ("title", outlet.title), ("link", f"{base_url}/"))
    _add_all(channel, ("description", NOTICE[outlet.lang]), ("dc:language", outlet.lang))
    contents = _add(_add(channel, "items"), "rdf:Seq")
    for name in names:
        _add(contents, "rdf:li", **{"rdf:resource": name})
    for name, entry in zip(names, entries, strict=True):
        _add_all(
            _add(root, "item", **{"rdf:about": name}),
            ("title", entry.title),
            ("link", base_url + entry.link),
            ("dc:date", _date(entry.published)),
            ("dc:creator", entry.author),
            *(("dc:subject", category) for category in entry.categories),
            ("description", entry.summary),
            ("content:encoded", entry.body),
        )
    return root


def _atom(outlet: Outlet, entries: Sequence[VisibleItem], base_url: str) -> ET.Element:
    kind = "html" if outlet.html else "text"
    address = f"{base_url}/feeds/{outlet.path}"
    root = ET.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": outlet.lang})
    _add_all(root, ("title", outlet.title), ("subtitle", NOTICE[outlet.lang]), ("id", address))
    _add_all(root, ("updated", _date(max((entry.changed for entry in entries), default=None))))
    _add(root, "link", rel="self", href=address)
    for entry in entries:
        item = _add(root, "entry")
        _add_all(item, ("id", entry.guid))
        _add(item, "title", entry.title, type=kind)
        _add(item, "link", rel="alternate", href=base_url + entry.link)
        if entry.published:
            _add_all(item, ("published", _date(entry.published)), ("updated", _date(entry.changed)))
        if entry.author:
            _add_all(_add(item, "author"), ("name", entry.author))
        for category in entry.categories:
            _add(item, "category", term=category)
        _add(item, "summary", entry.summary, type=kind)
        if entry.body:
            _add(item, "content", entry.body, type="html")
    return root


def _json(outlet: Outlet, entries: Sequence[VisibleItem], base_url: str) -> bytes:
    return msgspec.json.encode(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": outlet.title,
            "description": NOTICE[outlet.lang],
            "language": outlet.lang,
            "home_page_url": f"{base_url}/",
            "feed_url": f"{base_url}/feeds/{outlet.path}",
            "items": [_json_item(entry, base_url) for entry in entries],
        }
    )


def _json_item(entry: VisibleItem, base_url: str) -> dict[str, Any]:
    fields = {
        "id": entry.guid,
        "url": base_url + entry.link,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.body,
        "content_text": "" if entry.body else entry.summary,
        "date_published": entry.published,
        "date_modified": entry.changed if entry.published else None,
        "authors": [{"name": entry.author}] if entry.author else None,
        "tags": entry.categories,
    }
    return {name: value for name, value in fields.items() if value}


def page(title: str, body: str, lang: str = "en") -> str:
    """A web page of untrusted texts: the title loses its markup, the body what is dangerous.

    Args:
        title: HTML or text.
        body: HTML or text.
        lang: of the page, for browsers and the notice.
    """
    plain = nh3.clean(title, tags=set())
    return (
        f'<!doctype html><html lang="{html.escape(lang)}"><meta charset="utf-8">'
        f"<title>{plain}</title><h1>{plain}</h1>{nh3.clean(body)}"
        f"<hr><p><small>{NOTICE[lang]}</small></p></html>\n"
    )
