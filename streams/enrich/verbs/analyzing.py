"""`wirewatch analyze`: what would be found in a text, and why. Needs no broker."""

from __future__ import annotations

import html as entities
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from streams.config import Settings, utc_now
from streams.enrich.pipeline import build_enricher
from streams.enrich.report import report
from streams.enrich.verbs.reading import decoded
from streams.enrich.watchlist import read_watchlist
from streams.errors import NotFoundError
from streams.records import Item, stable_id

__all__ = ["analyze"]

TITLE_LIMIT = 150
"""Characters up to which a first line with a blank line below it is taken for the title."""

_MARKUP = re.compile(r"<(?:!doctype|html|body|p|div|article|h1|br)\b[^<>]{0,400}>", re.IGNORECASE)


def analyze(
    file: Annotated[str, typer.Argument(help="Text or HTML file; - reads standard input.")],
    lang: Annotated[str, typer.Option(help="Declared language; a hint for short texts.")] = "",
    html: Annotated[
        bool | None, typer.Option("--html/--text", help="Whether it is HTML; guessed by default.")
    ] = None,
    watchlist: Annotated[Path | None, typer.Option(help="Watchlist to look for.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy lexicon to look for.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the EnrichedItem.")] = False,
) -> None:
    """Show which language, figures, policy topics and entities are found in a text, and why.

    A short first line with a blank line below it, or the title of an HTML page, is the title.
    The same file gives the same output: its times are those of its last modification.
    """
    content, modified = _read(file)
    settings = Settings.from_environment()
    folder = settings.config_folder
    enricher = build_enricher(
        read_watchlist(watchlist or folder / "watchlist.yaml"),
        policy or folder / "policy",
        settings.models,
        settings.semantics,
    )
    text = decoded(content)
    item = make_item(text, modified, lang=lang, html=_is_html(text) if html is None else html)
    enriched = enricher.enrich(item, modified)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(enriched)).decode() + "\n")
    else:
        Console().print(report(enriched))


def make_item(text: str, at: datetime, *, lang: str = "", html: bool = False) -> Item:
    """Make an item of the text of a file, with its title where it has one."""
    title, body = _split_page(text) if html else _split_text(text)
    return Item(
        item_id=stable_id("item", "analyze", text),
        feed_id="analyze",
        title=title,
        body=body,
        lang=lang,
        published_at=at,
        seen_at=at,
    )


def _read(file: str) -> tuple[bytes, datetime]:
    """Bytes of a file or of standard input, and when they were last modified."""
    if file == "-":
        return sys.stdin.buffer.read(), utc_now()
    path = Path(file)
    try:
        seconds = int(path.stat().st_mtime)
        return path.read_bytes(), datetime.fromtimestamp(seconds, UTC)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        cure = "give the path of a text or HTML file, or - for standard input"
        raise NotFoundError(f"cannot read {file}: {reason}", cure=cure) from error


def _is_html(text: str) -> bool:
    return _MARKUP.search(text) is not None


def _split_page(page: str) -> tuple[str, str]:
    """Title and markup of a page. The title element is text, not markup."""
    title = LexborHTMLParser(page).css_first("title")
    return (entities.escape(title.text()) if title else ""), page


def _split_text(text: str) -> tuple[str, str]:
    """Title and body of plain text, as HTML that shows exactly this text."""
    lines = text.strip().replace("\r\n", "\n").split("\n")
    titled = len(lines) > 2 and not lines[1].strip() and len(lines[0]) < TITLE_LIMIT
    title, body = ("", lines) if not titled else (lines[0], lines[2:])
    if not _is_html(text):
        return title, "\n".join(body)
    return entities.escape(title), "<br>".join(entities.escape(line) for line in body)
