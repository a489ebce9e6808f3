"""A clock that runs faster, so that an hour turns every window of the stream many times. Pure.

Windows of the stream are hours to months long. In an hour by the clock most of them would only fill, and a process
that grows because it leaks would look like one that grows because it is young.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

__all__ = ["DAY_SECONDS", "Clock"]

DAY_SECONDS = 10.0
"""Ten seconds are a day, an hour is most of a year."""


class Clock(msgspec.Struct, frozen=True):
    """Tells the stream's time.

    Args:
        start: when it agreed with the real one, seconds since the epoch.
        speed: seconds of the stream in a real one.
    """

    start: float
    speed: float = 86_400 / DAY_SECONDS

    def at(self, real: float) -> datetime:
        """The stream's time at a real one, which is given in seconds since the epoch."""
        seconds = (real - self.start) * self.speed
        return datetime.fromtimestamp(self.start, UTC) + timedelta(seconds=seconds)
