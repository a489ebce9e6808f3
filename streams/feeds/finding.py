"""Finding the feeds of a site, by trying what `streams.feeds.discovery` proposes.

In this order, until something is found: the address itself, the feeds that its page announces,
links on it that look like feeds (and one page that such a link leads to), the usual paths, news
sitemaps. Each is really read. Requests to one host wait for each other, and there are few: a
person is waiting, and the publisher did not ask for any of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urljoin

from msgspec import Struct

from streams.errors import FeedError, FetchError, ParseError
from streams.feeds.discovery import Candidate, Page, Reason, news_sitemaps, read_page, usual_paths
from streams.feeds.fetch import Fetched, NotModified
from streams.feeds.formats.charset import decode
from streams.feeds.hosts import gap_seconds, host_key
from streams.feeds.links import canonical_url
from streams.feeds.parser_pool import limit_memory
from streams.feeds.ports import Fetches, Parses
from streams.pool import KillablePool, PoolBrokenError

__all__ = ["Found", "FoundFeed", "Tried", "find", "successor"]

MAX_PROBES = 12
"""Requests beside the one for the address itself."""
MAX_DOUBTFUL = 6
"""Of them for links that only look like feeds: the usual paths shall have their turn."""
MAX_SUCCESSORS = 3
GAP_SECONDS = 0.5
"""Between two requests to one host while a person waits."""
TOTAL_SECONDS = 20.0
PAGE_SECONDS = 5.0
"""For reading one page; 5 MB of nothing but links take 2 s of CPU, hostile pages minutes."""


class FoundFeed(Struct, frozen=True, kw_only=True):
    """A feed that was fetched and read."""

    url: str
    """Where to poll it: where it has moved for good, if the address found redirects."""
    title: str
    kind: str
    """`rss20`, `atom10`, `json1` and so on."""
    lang: str
    entries: int
    why: Reason


class Tried(Struct, frozen=True):
    """An address that is no feed."""

    url: str
    why_not: str


class Found(Struct, frozen=True, kw_only=True):
    """What came of a search."""

    feeds: tuple[FoundFeed, ...] = ()
    """Best first."""
    tried: tuple[Tried, ...] = ()
    """In the order of trying."""


async def find(
    url: str,
    fetcher: Fetches,
    parser: Parses,
    *,
    gap: float = GAP_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> Found:
    """Find the feeds of a site.

    Args:
        url: a feed, or any page of the site.
        fetcher: fetches.
        parser: parses.
        gap: seconds between the starts of two requests to one host.
        total_seconds: after so long, what has been found by then is returned.

    Raises:
        FetchError: the address itself could not be fetched.
    """
    with _reading_pages() as pages:
        search = _Search(fetcher, parser, pages, gap)
        try:
            async with asyncio.timeout(total_seconds):
                await search.run(url)
        except TimeoutError as error:
            if not search.tried:
                raise FetchError("no complete answer in time", kind="timeout") from error
            search.tried.append(Tried(url, f"the search ended after {total_seconds:g} s"))
        return Found(feeds=tuple(search.ranked()), tried=tuple(search.tried))


async def successor(
    page: Fetched, fetcher: Fetches, parser: Parses, *, user_agent: str = ""
) -> str:
    """Where a feed may have gone whose address shows a web page now.

    Only what the page announces, and only on the same site: nobody looks at the result, and a
    domain that somebody else has bought must not bring its own feed to the desk.

    Args:
        page: what came instead of the feed.
        fetcher: fetches.
        parser: parses.
        user_agent: that of the feed, where it has one of its own.

    Returns:
        The address of a feed that was really read, or "".
    """
    home = host_key(page.url)
    with _reading_pages() as pages:
        search = _Search(fetcher, parser, pages, gap_seconds(home), user_agent)
        search.count_request(page.url)
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_SUCCESSORS * gap_seconds(home) + TOTAL_SECONDS):
                said = await search.read(page)
                near = [each for each in said.candidates if host_key(each.url) == home]
                await search.probe(_only(near, "link")[:MAX_SUCCESSORS], only_one=True)
        return search.feeds[0].url if search.feeds else ""


@contextmanager
def _reading_pages() -> Iterator[KillablePool]:
    """A process in which strangers' HTML may do what it likes."""
    pages = KillablePool(1, limit_memory, deadline_seconds=PAGE_SECONDS)
    try:
        yield pages
    finally:
        pages.stop()


class _Search:
    """One search: what it has found and tried, and how many requests it may still make."""

    def __init__(
        self,
        fetcher: Fetches,
        parser: Parses,
        pages: KillablePool,
        gap: float,
        user_agent: str = "",
    ) -> None:
        self.feeds: list[FoundFeed] = []
        self.tried: list[Tried] = []
        self._fetcher = fetcher
        self._parser = parser
        self._pages = pages
        self._gap = gap
        self._user_agent = user_agent
        self._left = MAX_PROBES
        self._asked: dict[str, float] = {}  # host to the time of the latest request
        self._addresses: set[str] = set()  # of the feeds found, after redirects
        self._lists: list[Fetched] = []  # pages that came where a link promised a feed
        self._lang = ""

    async def run(self, url: str) -> None:
        """Go from the surest to the least sure; see the module."""
        page = await self._fetch(url)
        await self._examine(Candidate(url, reason="itself"), page)
        if self.feeds:
            return
        said = await self.read(page)
        self._lang = said.lang
        await self.probe(_only(said.candidates, "link"))
        if not self.feeds:
            await self.probe(_only(said.candidates, "anchor")[:MAX_DOUBTFUL])
        if not self.feeds and self._lists:
            listed = await self.read(self._lists[0])
            await self.probe(listed.candidates)
        if not self.feeds:
            await self.probe(usual_paths(page.final_url), only_one=True)
        if not self.feeds:
            await self.probe(await self._sitemaps(page.final_url), only_one=True)

    async def probe(self, candidates: Iterable[Candidate], *, only_one: bool = False) -> None:
        """Try addresses one after the other; `only_one` stops at the first feed."""
        for candidate in candidates:
            if self._left <= 0:
                self.tried.append(Tried(candidate.url, "not tried, nor any after it: enough were"))
                return
            self._left -= 1
            try:
                await self._examine(candidate, await self._fetch(candidate.url))
            except FetchError as error:
                self.tried.append(Tried(candidate.url, error.message))
                if error.kind == "slow_down":
                    self._left = 0
            if only_one and self.feeds:
                return

    async def read(self, page: Fetched) -> Page:
        """What a page says about feeds; nothing if it cannot be read."""
        try:
            return await self._pages.run(_read, page.body, page.content_type, page.final_url)
        except (PoolBrokenError, MemoryError) as error:
            self.tried.append(Tried(page.final_url, f"the page cannot be read: {error}"))
            return Page()

    def count_request(self, url: str) -> None:
        """Let the next request to this host wait for its turn."""
        self._asked[host_key(url)] = asyncio.get_running_loop().time()

    def ranked(self) -> list[FoundFeed]:
        """Best first: with entries, then in the page's language, then as they were found."""
        return sorted(
            self.feeds,
            key=lambda feed: (
                not feed.entries,
                bool(feed.lang and self._lang and feed.lang != self._lang),
            ),
        )

    async def _fetch(self, url: str) -> Fetched:
        last = self._asked.get(host_key(url))
        if last is not None:
            await asyncio.sleep(last + self._gap - asyncio.get_running_loop().time())
        self.count_request(url)
        answer = await self._fetcher.fetch(url, user_agent=self._user_agent)
        if isinstance(answer, NotModified):
            raise FetchError("not modified, though nothing was known", kind="protocol")
        return answer

    async def _examine(self, candidate: Candidate, answer: Fetched) -> None:
        """Read what came; a feed is remembered, anything else noted."""
        try:
            parsed = await self._parser.parse(answer.body, answer.content_type, answer.final_url)
        except ParseError as error:
            self.tried.append(Tried(candidate.url, error.message))
            if candidate.reason == "anchor" and error.kind == "not_a_feed":
                self._lists.append(answer)
            return
        place = canonical_url(answer.final_url)
        if place in self._addresses:
            self.tried.append(Tried(candidate.url, "leads to a feed that was found already"))
            return
        self._addresses.add(place)
        self.feeds.append(
            FoundFeed(
                url=answer.permanent_url or candidate.url,
                title=parsed.title or candidate.title,
                kind=parsed.version,
                lang=parsed.lang or candidate.lang,
                entries=len(parsed.entries),
                why=candidate.reason,
            )
        )

    async def _sitemaps(self, url: str) -> list[Candidate]:
        robots = urljoin(url, "/robots.txt")
        if self._left <= 0:
            return []
        self._left -= 1
        try:
            answer = await self._fetch(robots)
        except FeedError as error:
            self.tried.append(Tried(robots, error.message))
            return []
        return news_sitemaps(answer.body.decode("utf-8", "replace"), answer.final_url)


def _only(candidates: Iterable[Candidate], reason: Reason) -> list[Candidate]:
    return [each for each in candidates if each.reason == reason]


def _read(body: bytes, content_type: str, url: str) -> Page:
    """In the other process."""
    return read_page(decode(body, content_type)[0], url)
