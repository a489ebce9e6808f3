"""Whether this process lives, and whether it is ready for its work.

One `HEALTH` per process, as there is one set of metrics. The rooms tell it how to find out; the server
(`streams.health_server`) asks, from a thread of its own, so that it has an answer also while the main
loop has none. What is asked must therefore be cheap, and safe from another thread: reading an attribute is.

    lives   nothing stands still for longer than it may. Whoever ends a process that does not live asks
            the same question (`streams.agents.watchdog`), so the two never disagree.
    ready   all that a process of its kind needs is there. A process that is not ready works or waits;
            to start it anew would not help.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from streams.config import Settings

__all__ = [
    "HEALTH", "NEEDS", "STILL_SECONDS", "Health", "Offsets", "Pulse", "stands_still", "why_not_ready",
]  # fmt: skip

STILL_SECONDS = 180.0
"""How long an event loop may not turn, or a record in flight not get on."""
NOT_YET = "not yet: the process is starting"

_STAGE = ("broker", "assigned", "recovered", "models", "producer")
NEEDS: Mapping[str, tuple[str, ...]] = {
    "poll": ("broker", "assigned", "producer"),
    "enrich": _STAGE,
    "stories": _STAGE,
    "alerts": _STAGE,
    "desk": ("broker", "assigned"),
    "notify": ("broker", "assigned", "producer"),
    "archive": ("broker", "assigned", "producer"),
}
"""What each process must have before it is ready.

broker     the broker has answered a question within the last half minute
assigned   the group has said which partitions are ours, which may be none; or all are followed
recovered  no rebalance is going on
models     the stage has loaded what it decides by: models, watchlist, rules
producer   it is connected, and no output has waited long for the broker's ack
"""


def why_not_ready(needs: Iterable[str], found: Mapping[str, str]) -> dict[str, str]:
    """What is missing.

    Args:
        needs: names of what must be there.
        found: name to why it is not there; empty if it is.

    Returns:
        Name to reason, in the order of `needs`; empty if the process is ready.
    """
    reasons = {name: found.get(name, NOT_YET) for name in needs}
    return {name: reason for name, reason in reasons.items() if reason}


def stands_still(
    loop_seconds: float, in_flight_seconds: float, limit_seconds: float = STILL_SECONDS
) -> str:
    """Say what stands still; empty if nothing does.

    Args:
        loop_seconds: since the event loop last turned.
        in_flight_seconds: since the oldest record in flight got on by a step; 0 if there is none.
        limit_seconds: what either may reach.
    """
    if loop_seconds > limit_seconds:
        return f"the event loop has not turned for {loop_seconds:.0f} s"
    if in_flight_seconds > limit_seconds:
        return f"a record in flight has not got on for {in_flight_seconds:.0f} s"
    return ""


class Pulse:
    """When an event loop last turned. Any thread may ask."""

    def __init__(self, every_seconds: float = 1.0) -> None:
        self._every = every_seconds
        self._tick: float | None = None
        self._stopped = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to count the turns of a loop; to be called from its thread."""
        if not self._stopped:
            self._tick = time.monotonic()
            loop.call_later(self._every, self.start, loop)

    def stop(self) -> None:
        """Count no more."""
        self._stopped, self._tick = True, None

    def still_seconds(self) -> float:
        """How long the loop has not turned; 0 while nobody counts, and up to the pause between two
        beats while it turns.
        """
        tick = self._tick  # once, because another thread asks
        return 0.0 if tick is None else time.monotonic() - tick


class Offsets(msgspec.Struct, frozen=True, kw_only=True):
    """Whose committed offsets tell how far this process is behind."""

    settings: Settings
    """With the broker's address."""
    group: str = ""
    """Consumer group; empty for a process that commits nothing: then only the broker is asked."""
    topics: tuple[str, ...] = ()
    stored: Callable[[str, int], int | None] | None = None
    """Gives the next offset of a topic and partition, or None, where the group has no offsets at the
    broker: the process keeps them itself, and `group` is only what the metrics call it."""


class Health:
    """What is known of a process. Reports replace earlier ones of the same name."""

    def __init__(self) -> None:
        self._found: dict[str, Callable[[], str]] = {}
        self._stuck: Callable[[], str] = lambda: ""
        self.needs: tuple[str, ...] = ()
        self.offsets: Offsets | None = None
        """Set as soon as the broker is known."""

    def report(self, name: str, why_not: Callable[[], str] = lambda: "") -> None:
        """Say that something is there, or how to find out; `why_not` gives "" if it is."""
        self._found[name] = why_not

    def live_by(self, stuck: Callable[[], str]) -> None:
        """Take over the judgement on what stands still; "" means that nothing does."""
        self._stuck = stuck

    def watch_loop(self) -> None:
        """Live by the running event loop alone; for processes without a watchdog."""
        pulse = Pulse()
        pulse.start(asyncio.get_running_loop())
        self.live_by(lambda: stands_still(pulse.still_seconds(), 0.0))

    def stuck(self) -> str:
        """Say what stands still; empty if nothing does."""
        return self._stuck()

    def missing(self) -> dict[str, str]:
        """Name to reason of what is missing; empty if the process is ready."""
        return why_not_ready(self.needs, {name: _ask(why) for name, why in self._found.items()})


def _ask(why_not: Callable[[], str]) -> str:
    try:
        return why_not()
    except Exception as error:  # noqa: BLE001 - such as a mapping that the other thread changes meanwhile
        return f"cannot be told: {type(error).__name__}: {error}"


HEALTH = Health()
"""Of this process."""
