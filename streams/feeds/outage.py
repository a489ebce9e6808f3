"""Whether it is our own network that fails, and not the feeds. Pure.

When most of the latest fetches fail before any HTTP answer, on many hosts, the feeds are not to
blame. The poller records every fetch here. While `offline` it
    - lets a poll that failed at network level change nothing: no state is written, the feed is
      planned again after RETRY_SECONDS (plus its phase of as much);
    - starts one poll at a time, PROBE_SECONDS apart: any of them is a probe, and they cost nothing.
The first HTTP answer, of whatever status, ends the outage.
"""

from __future__ import annotations

from collections import deque

__all__ = ["PROBE_SECONDS", "RETRY_SECONDS", "NetworkWatch"]

PROBE_SECONDS = 5.0
RETRY_SECONDS = 60.0
FETCHES = 50
"""How many of the latest fetches count."""
HOSTS = 10
"""So many hosts must be out of reach; a few big ones may really be down."""
SHARE = 0.5
_NETWORK = frozenset({"connect", "dns", "dns_temporary", "timeout", "tls"})
"""TLS belongs here: captive portals, wrong clocks and missing authorities break it everywhere."""
_OURS = frozenset({"refused", "unexpected"})
"""Says nothing about the network: nobody was asked, or the fault is ours."""


class NetworkWatch:
    """Watches the fetches of one process."""

    def __init__(self) -> None:
        self._latest: deque[tuple[str, bool]] = deque(maxlen=FETCHES)
        self._offline = False

    @property
    def offline(self) -> bool:
        """Whether failures at network level are ours."""
        return self._offline

    @property
    def reason(self) -> str:
        """Why we think so, for a person; "" while online."""
        if not self._offline:
            return ""
        failed = self._failed()
        return (
            f"our network seems down: {len(failed)} of the last {len(self._latest)} fetches"
            f" failed, on {len(set(failed))} hosts"
        )

    def record(self, host: str, error: str) -> bool:
        """Add a fetch.

        Args:
            host: its host key.
            error: `Outcome.error`; "" for success.

        Returns:
            Whether the outcome may be counted: False if it only shows that we are offline.
        """
        if error in _OURS:
            return True
        failed = error in _NETWORK
        if self._offline and not failed:
            self._offline = False
            self._latest.clear()  # the failures were ours and say nothing about what comes
        self._latest.append((host, failed))
        hosts = self._failed()
        if len(hosts) > SHARE * len(self._latest) and len(set(hosts)) >= HOSTS:
            self._offline = True
        return not (self._offline and failed)

    def _failed(self) -> list[str]:
        return [host for host, failed in self._latest if failed]
