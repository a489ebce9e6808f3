"""Keeps the subscriptions of the feeds of this process: asks hubs, answers them, hands on pushes.

`subscription` decides and says how it works; `callback` is the web server. What is known of a feed's
subscription is here while the feed is ours; polls carry it into the feed's state, from where a
restart or the feed's next owner takes it up.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import structlog

from streams.config import Settings, utc_now
from streams.errors import ConfigError, FetchError
from streams.feeds.document import clean
from streams.feeds.guard import refuse_url
from streams.feeds.outcome import Outcome
from streams.feeds.websub import subscription as websub
from streams.feeds.websub.callback import CallbackServer
from streams.feeds.websub.signature import derive
from streams.feeds.websub.subscription import Ask, Standing
from streams.records import Feed, FeedState, Subscription

__all__ = ["Posts", "Subscriber"]

log = structlog.get_logger(__name__)

ASKS_AT_ONCE = 4
"""Most feeds share a few hubs; after a start all of them are asked."""
SECRET_BYTES = 32
"""Least length of the master secret: that of the HMAC's digest (RFC 2104)."""
_TOKEN_CHARACTERS = 32
_MAX_LEAVING = 1_000
_LOGGED_BYTES = 200
_NOT_POLLED = Outcome(error="not polled")


class Posts(Protocol):
    """What is needed of a Fetcher."""

    async def post(self, url: str, form: dict[str, str]) -> int:
        """Post a form and give the status of the answer; raises FetchError."""
        ...


class Subscriber:
    """Subscribes to what documents say about their hubs. Without `websub_url` it does nothing.

    Args:
        settings: `websub_url` and `websub_listen` count.
        master_secret: what all secrets and callbacks are made from; 32 bytes or more.
        fetcher: reaches hubs.
        deliver: takes feed_id, document and its content type of a push that was signed well; an
            empty document means that there is something to poll. False if the feed is not ours.
        clock: the time.
        known: the subscription in the remembered state of a feed of ours; None for other feeds.
            Asked about feeds whose hub calls before their first poll here.
        takes: whether `deliver` would take a push of a feed now. While it would not, in a rebalance
            or at the end, the hub is asked to repeat: a push that is acknowledged and then dropped
            would be found by the next poll only, and those of feeds that push are hours apart.

    Raises:
        ConfigError: the secret or an address will not do.
    """

    def __init__(
        self,
        settings: Settings,
        master_secret: bytes,
        fetcher: Posts,
        deliver: Callable[[str, bytes, str], Awaitable[bool]],
        clock: Callable[[], datetime] = utc_now,
        known: Callable[[str], Subscription | None] = lambda feed_id: None,
        takes: Callable[[str], bool] = lambda feed_id: True,
    ) -> None:
        self._base = settings.websub_url.rstrip("/")
        self._master = master_secret
        self._fetcher = fetcher
        self._deliver = deliver
        self._clock = clock
        self._known = known
        self._standings: dict[str, Standing] = {}
        self._leaving: dict[tuple[str, str], str] = {}  # feed_id and token to feed_url
        self._asking = asyncio.Semaphore(ASKS_AT_ONCE)
        self._tasks: set[asyncio.Task[object]] = set()
        self._server = CallbackServer(
            settings.websub_listen,
            verify=self._verify,
            secret=self._secret,
            takes=takes,
            receive=self._receive,
        )
        if self._base:
            _check(self._base, master_secret)

    @property
    def port(self) -> int:
        """Where hubs' requests arrive; 0 while they cannot."""
        return self._server.port

    @property
    def pushes(self) -> Mapping[str, int]:
        """How many pushes were taken, ignored, refused and turned away, as `CallbackServer` says."""
        return self._server.pushes

    async def start(self) -> None:
        """Listen for hubs.

        Raises:
            ConfigError: the address cannot be had.
        """
        if self._base:
            await self._server.start()
            log.info("websub_listening", port=self.port, address=self._base)

    async def stop(self) -> None:
        """Take no more pushes, finish those taken, drop requests to hubs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.stop()

    def subscription(self, feed_id: str) -> Subscription | None:
        """What is known by now, to be written into the feed's state."""
        standing = self._standing(feed_id)
        return standing.subscription if standing else None

    def take(self, feed: Feed, state: FeedState) -> None:
        """A feed has become ours: its hub is told of this process, without waiting for a poll."""
        self._plan(feed.feed_id, state.subscription, _NOT_POLLED)

    def after_poll(self, feed: Feed, state: FeedState, outcome: Outcome) -> Subscription | None:
        """Decide about a feed's hub after a poll, and ask the hub in the background if need be.

        Not for documents that were pushed: what is new in them is not the hub's fault.

        Returns:
            What to write into the feed's state.
        """
        return self._plan(feed.feed_id, state.subscription, outcome)

    def forget(self, feed_ids: Iterable[str]) -> None:
        """Feeds are no longer ours: their hubs are asked to stop, and not asked again."""
        for feed_id in feed_ids:
            standing = self._standings.pop(feed_id, None)
            if standing is not None:
                self._leave(feed_id, standing.subscription)

    def _plan(
        self, feed_id: str, remembered: Subscription | None, outcome: Outcome
    ) -> Subscription | None:
        if not self._base:
            return None
        before = self._standings.get(feed_id)
        if before is None and remembered is not None:
            before = Standing(subscription=remembered)
        after, ask = websub.plan(before, outcome, self._clock())
        if before is not None and (after is None or not _same(before, after)):
            self._leave(feed_id, before.subscription)
        if after is None:
            self._standings.pop(feed_id, None)
            return None
        self._standings[feed_id] = after
        if ask is not None:
            self._start(self._subscribe(feed_id, after.subscription, ask))
        return after.subscription

    def _standing(self, feed_id: str) -> Standing | None:
        """What is known, or was known before a restart."""
        standing = self._standings.get(feed_id)
        if standing is None and (remembered := self._known(feed_id)) is not None:
            standing = self._standings[feed_id] = Standing(subscription=remembered)
        return standing

    # --- asking hubs

    async def _subscribe(self, feed_id: str, subscription: Subscription, ask: Ask) -> None:
        status = await self._ask(feed_id, subscription, ask)
        standing = self._standings.get(feed_id)
        if standing is not None:
            self._standings[feed_id] = websub.answered(standing, ask, status, self._clock())

    def _leave(self, feed_id: str, subscription: Subscription) -> None:
        """Ask the hub to stop; if it does not, its pushes find nobody until the lease ends."""
        if not websub.is_leased(subscription, self._clock()):
            return
        while len(self._leaving) >= _MAX_LEAVING:
            del self._leaving[next(iter(self._leaving))]
        self._leaving[feed_id, self._token(feed_id, subscription)] = subscription.feed_url
        self._start(self._ask(feed_id, subscription, websub.leave(subscription)))

    async def _ask(self, feed_id: str, subscription: Subscription, ask: Ask) -> int | None:
        """Post a request; whatever goes wrong is logged, and `plan` sees to the rest."""
        place = f"websub/{quote(feed_id, safe='')}/{self._token(feed_id, subscription)}"
        secret = derive(self._master, "secret", feed_id, subscription)
        fields = websub.form(ask, f"{self._base}/{place}", secret)
        status, trouble = None, ""
        async with self._asking:
            try:
                status = await self._fetcher.post(ask.hub, fields)
            except FetchError as error:
                status, trouble = error.status, error.kind
            except Exception as error:  # noqa: BLE001 - no traceback: it could show the secret
                trouble = f"our own fault: {type(error).__name__}"
        say = log.info if status is not None and status < 300 else log.warning
        say(
            "websub_asked",
            feed=feed_id, hub=ask.hub, mode=ask.mode, status=status, trouble=trouble,
        )  # fmt: skip
        return status

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- answering hubs

    def _verify(self, feed_id: str, token: str, query: Mapping[str, str]) -> tuple[int, str]:
        standing = self._addressed(feed_id, token)
        if standing is None:
            return self._verify_leaving(feed_id, token, query)
        status, body, after = websub.verify(query, standing, self._clock())
        self._standings[feed_id] = after
        said = {
            key: clean(query.get(f"hub.{key}", ""), _LOGGED_BYTES) for key in ("mode", "reason")
        }
        log.info(
            "websub_verified", feed=feed_id, status=status, state=after.subscription.state, **said
        )
        return status, body

    def _verify_leaving(
        self, feed_id: str, token: str, query: Mapping[str, str]
    ) -> tuple[int, str]:
        feed_url = self._leaving.get((feed_id, token))
        if feed_url is None:
            return 404, ""
        return websub.verify_leaving(query, feed_url)

    def _addressed(self, feed_id: str, token: str) -> Standing | None:
        """The standing of a feed, for those who know its callback."""
        standing = self._standing(feed_id)
        if standing is None:
            return None
        right = self._token(feed_id, standing.subscription)
        return standing if hmac.compare_digest(right.encode(), token.encode()) else None

    def _token(self, feed_id: str, subscription: Subscription) -> str:
        return derive(self._master, "callback", feed_id, subscription)[:_TOKEN_CHARACTERS]

    def _secret(self, feed_id: str, token: str) -> str:
        standing = self._addressed(feed_id, token)
        if standing is None:
            return ""
        return derive(self._master, "secret", feed_id, standing.subscription)

    async def _receive(self, feed_id: str, body: bytes, content_type: str) -> None:
        standing = self._standings.get(feed_id)
        if standing is not None:
            self._standings[feed_id] = websub.pushed(standing, self._clock())
        try:
            ours = await self._deliver(feed_id, body, content_type)
        except Exception:
            log.exception("websub_push_failed", feed=feed_id, size=len(body))
        else:
            log.info("websub_pushed", feed=feed_id, size=len(body), ours=ours)


def _same(before: Standing, after: Standing) -> bool:
    """Whether the callback is still the same."""
    one, other = before.subscription, after.subscription
    return (one.hub, one.feed_url) == (other.hub, other.feed_url)


def _check(base: str, master_secret: bytes) -> None:
    reason = refuse_url(base)
    if reason or "?" in base or "#" in base:
        raise ConfigError(
            f"WIREWATCH_WEBSUB_URL: {reason or 'has a query or a fragment'}",
            cure="give the public address of this poller, such as https://hooks.example.com",
        )
    if len(master_secret) < SECRET_BYTES:
        raise ConfigError(
            f"WIREWATCH_WEBSUB_SECRET has fewer than {SECRET_BYTES} bytes",
            cure="set it, or the file that WIREWATCH_WEBSUB_SECRET_FILE names, to the output of: "
            "openssl rand -hex 32",
        )
