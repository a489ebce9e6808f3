"""The command `wirewatch` with a clock that runs faster: `python -m tests.soak.process ARGUMENTS`.

SOAK_START and SOAK_SPEED set `tests.soak.clock.Clock`. Pools start their processes from this module, too.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime

from streams import config
from tests.soak.clock import Clock

_CLOCK = Clock(float(os.environ["SOAK_START"]), float(os.environ["SOAK_SPEED"]))


def _now() -> datetime:
    return _CLOCK.at(time.time())


config.utc_now = _now  # before anything else imports it


def _hasten_polls() -> None:
    """Let the poller's plans follow the fast clock, and nothing else that is measured in real seconds."""
    import streams.feeds.sharing.membership  # that takes the real one

    real = config.seconds_awake_or_not
    config.seconds_awake_or_not = lambda: real() * _CLOCK.speed
    import streams.feeds.poller  # noqa: F401 - it takes the fast one

    config.seconds_awake_or_not = real


if "poll" in sys.argv[1:2]:
    _hasten_polls()


def main() -> None:
    """Run a verb."""
    from streams.cli import main as wirewatch

    wirewatch()


if __name__ == "__main__":
    main()
