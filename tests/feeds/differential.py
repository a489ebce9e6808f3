"""Our parsing beside feedparser's own: `python -m tests.feeds.differential suite` or `snapshots`.

suite: feedparser's test files. None may raise anything but ParseError, or take longer than the
parser pool allows. In the well-formed ones number, id, link and title of the entries must be
feedparser's. snapshots: real news feeds, where the dates are compared too.

Compared with `feedparser.parse` as it is by default. A difference needs one of `REASONS`; one
without a reason fails, with exit status 1.
"""

from __future__ import annotations

import asyncio
import calendar
import io
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

import feedparser
from rich.console import Console

from streams.errors import ParseError
from streams.feeds.document import MAX_TITLE_BYTES, ParsedEntry, ParsedFeed, clean
from streams.feeds.links import is_web_link
from streams.feeds.parser_pool import ParserPool

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "feeds"
SUITE = DATA / "feedparser-suite" / "tests"
SNAPSHOTS = DATA / "news"
URL = "https://feed.example/feed"
MIN_EQUAL = 0.995

REASONS = {
    "no http link": "links that cannot be opened in a browser are left out",
    "guid as written": "names must not change with the address of the document",
    "markup as published": "titles are neither sanitised nor resolved here; what shows them does it",
    "resolved link": "relative links are resolved against the address of the document",
    "cleaned": "characters that JSON or a terminal cannot take, and what exceeds the limits",
    "date feedparser cannot read": "such as names of months in other languages than English",
}

_HEADER = re.compile(rb"^\s*Header:\s*([\w-]+)\s*:\s*(.+?)\s*$", re.MULTILINE)


class Values(NamedTuple):
    """What is compared of an entry."""

    id: str
    link: str
    title: str
    date: datetime | None = None


class Difference(NamedTuple):
    where: str
    field: str
    ours: object
    theirs: object
    reason: str
    """One of `REASONS`, or "" if there is none."""


class Report:
    """What came of many documents.

    Args:
        min_equal: the least `equal_share` that passes.
    """

    def __init__(self, min_equal: float = 0.0) -> None:
        self.min_equal = min_equal
        self.documents = self.entries = self.equal = 0
        self.refused: Counter[str] = Counter()
        self.differences: list[Difference] = []
        self.failures: list[str] = []

    @property
    def unexplained(self) -> list[Difference]:
        return [each for each in self.differences if not each.reason]

    @property
    def equal_share(self) -> float:
        """Of the entries, those in which nothing differs that feedparser could read."""
        more = {d.where for d in self.differences if d.reason != "date feedparser cannot read"}
        return 1 - len(more) / max(self.entries, 1)

    @property
    def passed(self) -> bool:
        return not self.failures and not self.unexplained and self.equal_share >= self.min_equal


async def check_suite(files: Iterable[Path]) -> Report:
    """Check test files of feedparser, each with the HTTP headers that it names in a comment."""
    report, pool = Report(), ParserPool()
    try:
        for path in files:
            body = path.read_bytes()
            headers = {
                name.decode().lower(): value.decode() for name, value in _HEADER.findall(body)
            }
            theirs = _by_feedparser(body, headers) if "wellformed" in path.parts else None
            url = headers.get("content-location", "")
            ours = await _ours(report, pool, path, body, headers.get("content-type", ""), url)
            if theirs is not None and (ours is not None or theirs["entries"]):
                _compare(report, path.name, ours, theirs, _raw(body, headers), url, dates=False)
    finally:
        pool.stop()
    return report


async def check_snapshots(files: Iterable[Path]) -> Report:
    """Check real feeds, without headers."""
    report, pool = Report(MIN_EQUAL), ParserPool()
    try:
        for path in files:
            body = path.read_bytes()
            ours = await _ours(report, pool, path, body, "", URL)
            theirs = _by_feedparser(body, {})
            _compare(report, path.name, ours, theirs, _raw(body, {}), URL, dates=True)
    finally:
        pool.stop()
    return report


def suite_files() -> list[Path]:
    return sorted(path for path in SUITE.rglob("*.*") if path.is_file())


def snapshot_files() -> list[Path]:
    return sorted(SNAPSHOTS.glob("*.*"))


async def _ours(
    report: Report, pool: ParserPool, path: Path, body: bytes, content_type: str, url: str
) -> ParsedFeed | None:
    report.documents += 1
    try:
        return await pool.parse(body, content_type, url)
    except ParseError as error:
        report.refused[error.kind] += 1
        if error.kind in ("parser_killed", "malformed"):
            report.failures.append(f"{path.name}: {error}")
    except Exception as error:  # noqa: BLE001 - what is looked for
        report.failures.append(f"{path.name}: {error!r}")
    return None


def _by_feedparser(body: bytes, headers: Mapping[str, str], **flags: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it still uses what it warns of
        return feedparser.parse(io.BytesIO(body), response_headers=dict(headers), **flags)


def _raw(body: bytes, headers: Mapping[str, str]) -> Any:
    return _by_feedparser(body, headers, sanitize_html=False, resolve_relative_uris=False)


def _compare(
    report: Report,
    name: str,
    ours: ParsedFeed | None,
    theirs: Any,
    raw: Any,
    url: str,
    *,
    dates: bool,
) -> None:
    found: Sequence[ParsedEntry] = ours.entries if ours else ()
    report.entries += len(theirs["entries"])
    if len(found) != len(theirs["entries"]):
        counts = f"{len(found)} entries instead of {len(theirs['entries'])}"
        report.failures.append(f"{name}: {counts}")
        return
    for number, (entry, other, plain) in enumerate(
        zip(found, theirs["entries"], raw["entries"], strict=True), 1
    ):
        differences = list(
            differ(
                f"{name}:{number}",
                Values(
                    entry.guid,
                    entry.link,
                    entry.title,
                    (entry.published or entry.updated) if dates else None,
                ),
                values(other, dates=dates),
                plain.get("title", ""),
                url,
            )
        )
        report.equal += not differences
        report.differences += differences


def values(entry: Any, *, dates: bool) -> Values:
    """The values of an entry of feedparser."""
    get = dict.get  # its own takes one date for another, and warns of it
    parsed = get(entry, "published_parsed") or get(entry, "updated_parsed")
    return Values(
        entry.get("id", ""),
        entry.get("link", ""),
        entry.get("title", ""),
        datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed and dates else None,
    )


def differ(
    where: str, ours: Values, theirs: Values, raw_title: str, url: str
) -> Iterator[Difference]:
    """The fields in which two readings of an entry differ, and why."""
    for field in Values._fields:
        mine, other = getattr(ours, field), getattr(theirs, field)
        if mine != other:
            reason = _reason(field, ours, theirs, raw_title, url)
            yield Difference(where, field, mine, other, reason)


def _reason(field: str, ours: Values, theirs: Values, raw_title: str, url: str) -> str:
    if field == "date":
        return "date feedparser cannot read" if theirs.date is None else ""
    if getattr(ours, field) == clean(getattr(theirs, field), MAX_TITLE_BYTES):
        return "cleaned"
    if field == "title":
        return "markup as published" if ours.title == clean(raw_title, MAX_TITLE_BYTES) else ""
    if urljoin(url, ours.id) == getattr(theirs, field):  # feedparser takes guids for links, too
        return "guid as written" if not is_web_link(ours.id) else ""
    if field == "link" and not ours.link:
        return "no http link" if not is_web_link(theirs.link) else ""
    return "resolved link" if field == "link" and ours.link == urljoin(url, theirs.link) else ""


def main(arguments: Sequence[str]) -> int:
    """Check what is asked for; 0 if it passes, 1 if not, 2 if there is nothing to check."""
    console = Console(soft_wrap=True)
    checks = {"suite": (check_suite, suite_files), "snapshots": (check_snapshots, snapshot_files)}
    if len(arguments) != 1 or arguments[0] not in checks:
        console.print("usage: python -m tests.feeds.differential suite|snapshots")
        return 2
    check, list_files = checks[arguments[0]]
    files = list_files()
    if not files:
        console.print(f"no files in {DATA}")
        return 2
    report = asyncio.run(check(files))
    _print(console, report)
    return 0 if report.passed else 1


def _print(console: Console, report: Report) -> None:
    refused = ", ".join(f"{count} {kind}" for kind, count in report.refused.items()) or "none"
    console.print(f"{report.documents} documents; refused: {refused}")
    console.print(
        f"{report.entries} entries compared, {report.equal} equal in every field; "
        f"{report.equal_share:.2%} equal in all that feedparser could read"
    )
    counted = Counter((each.field, each.reason) for each in report.differences)
    for (field, reason), count in sorted(counted.items()):
        console.print(f"{count:5} × {field}: {reason or 'NO REASON'} ({REASONS.get(reason, '')})")
    for difference in report.unexplained:
        console.print(f"{difference.where} {difference.field}:", markup=False)
        console.print(f"  ours   {difference.ours!r:.200}", markup=False)
        console.print(f"  theirs {difference.theirs!r:.200}", markup=False)
    for failure in report.failures:
        console.print(failure, markup=False)
    console.print("passed" if report.passed else "FAILED")


if __name__ == "__main__":  # the parser pool imports this module again
    sys.exit(main(sys.argv[1:]))
