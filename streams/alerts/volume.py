"""How much news there is at all, learned from what mentions tell about it.

The stories stage counts the stories of all news, of watched figures or not, and each mention carries the count
at its time: of the last hour and of the last 72 hours. So the volume is known only when somebody is mentioned.
Hours without a mention are estimated by the rhythm of the day, which is learned as the ratio of an hour to the
average of the last 72: that way more feeds, or fewer, do not look like another rhythm for longer than that.

Times are Unix seconds of event time (`Item.seen_at`); hours are counted since 1970.
"""

from __future__ import annotations

from msgspec import Struct, field

__all__ = ["HOUR", "OUTAGE_SHARE", "WINDOW_HOURS", "Volume"]

HOUR = 3_600.0
WINDOW_HOURS = 72
"""Of `Story.stories_window`."""
OUTAGE_SHARE = 0.3
"""Less than this of what the hour usually brings is a failure of feeds and no news (guides/alerting.md)."""
SLOTS = 48
"""Hours of a weekday, then hours of a Saturday or Sunday, UTC."""
SLOT_DAYS = 3
"""A slot is known after so many days: one may have been a holiday."""
SLOT_PACE = 0.2
"""Weight of a new day in its slot: a working week is most of it."""
KEPT_HOURS = 3
"""An hour is learned when the clock is two hours on; see `streams.alerts.trends`."""


class _Shard(Struct):
    """What the mentions of one language shard have told; each shard counts its own stories."""

    at: float = float("-inf")
    """Time of the latest sample."""
    window: int = 0
    hours: dict[int, tuple[float, int]] = field(default_factory=dict)
    """Hour to the latest sample within it, and its time."""


class Volume(Struct):
    """The stories of all news, as a partition of mentions knows them."""

    since: int = 0
    """Hour of the first sample."""
    shards: dict[str, _Shard] = field(default_factory=dict)
    rhythm: list[float] = field(default_factory=lambda: [1.0] * SLOTS)
    days: list[int] = field(default_factory=lambda: [0] * SLOTS)
    """How many days each slot of the rhythm was learned from."""

    def take(self, shard: str, at: float, of_hour: int, of_window: int) -> None:
        """Take in a sample; in whatever order they come, the latest of an hour stands for it.

        Args:
            shard: who has counted.
            at: when.
            of_hour: stories that began in the hour before.
            of_window: stories that began in the 72 hours before; 0 in records older than the field.
        """
        if of_window <= 0:
            return
        hour = int(at // HOUR)
        if not self.shards:
            self.since = hour
        known = self.shards.get(shard)
        if known is None:
            known = self.shards[shard] = _Shard()
        if (at, of_window) > (known.at, known.window):
            known.at, known.window = at, of_window
        oldest = int(known.at // HOUR) - KEPT_HOURS + 1
        if hour >= oldest and (at, of_hour) > known.hours.get(hour, (0.0, -1)):
            known.hours[hour] = (at, of_hour)
            if len(known.hours) > KEPT_HOURS:
                known.hours = {h: s for h, s in known.hours.items() if h >= oldest}

    def last_hour(self, now: float) -> float:
        """Stories of the hour before `now`; 0 if nothing was ever told."""
        hour, begun = int(now // HOUR), 0.0
        for shard in self.shards.values():
            at, count = shard.hours.get(hour) or shard.hours.get(hour - 1) or (float("-inf"), 0)
            begun += count if at > now - HOUR else self._estimate(shard, hour)
        return begun

    def usual_hour(self) -> float:
        """Stories of an average hour of the last 72."""
        return sum(map(self._average, self.shards.values()))

    def in_hour(self, hour: int) -> float:
        """Stories of a clock hour of the last two or three."""
        return sum(
            shard.hours[hour][1] if hour in shard.hours else self._estimate(shard, hour)
            for shard in self.shards.values()
        )

    def told(self, hour: int) -> bool:
        """Whether any mention has told the volume within a clock hour."""
        return any(hour in shard.hours for shard in self.shards.values())

    def outage(self, now: float) -> str:
        """Why counts cannot be trusted now, in words for a person; empty if they can.

        It is only known from mentions, and only once the rhythm of the day is.
        """
        if not self.shards:
            return "suspended: no mention tells how much news there is"
        if all(shard.at <= now - HOUR for shard in self.shards.values()):
            return ""
        hour = int(now // HOUR)
        if min(self.days[_slot(hour - 1)], self.days[_slot(hour)]) < SLOT_DAYS:
            return ""
        into = now / HOUR - hour
        usual = self.usual_hour()
        usual *= (1 - into) * self.rhythm[_slot(hour - 1)] + into * self.rhythm[_slot(hour)]
        found = self.last_hour(now)
        if found >= OUTAGE_SHARE * usual:
            return ""
        return f"suspended: {found:.0f} stories of all news in 60 min, {usual:.0f} are usual"

    def failing(self, hour: int) -> bool:
        """Whether a clock hour of the last two or three had too little news to learn from."""
        slot = _slot(hour)
        usual = self.usual_hour() * self.rhythm[slot]
        if not self.shards:
            return True
        return self.days[slot] >= SLOT_DAYS and self.in_hour(hour) < OUTAGE_SHARE * usual

    def learn(self, hour: int) -> None:
        """Take a clock hour that is over into the rhythm of the day.

        What is far too little moves the rhythm only slowly: an outage must not become usual at once.
        """
        usual = self.usual_hour()
        if not self.told(hour) or usual <= 0 or hour - self.since < WINDOW_HOURS:
            return
        slot = _slot(hour)
        days, known = self.days[slot], self.rhythm[slot]
        found = self.in_hour(hour) / usual
        if days >= SLOT_DAYS:
            found = max(found, known / 2)
        self.rhythm[slot] = known + max(SLOT_PACE, 1 / (days + 1)) * (found - known)
        self.days[slot] = min(days + 1, 1_000)

    def _average(self, shard: _Shard) -> float:
        """Stories per hour over the window, or since the beginning where that is shorter."""
        return shard.window / min(WINDOW_HOURS, max(1, int(shard.at // HOUR) - self.since + 1))

    def _estimate(self, shard: _Shard, hour: int) -> float:
        return self._average(shard) * self.rhythm[_slot(hour)]


def _slot(hour: int) -> int:
    """Slot of the rhythm; hour 0 was the midnight that began a Thursday."""
    return hour % 24 + (24 if (hour // 24 + 3) % 7 >= 5 else 0)
