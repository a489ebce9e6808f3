"""Times and refusals in words, for people."""

from __future__ import annotations

from datetime import timedelta

from streams.records import DeadLetter, Latency

__all__ = ["dead_letter_in_words", "in_words", "ledger_in_words"]


def ledger_in_words(latency: Latency) -> str:
    """How long each step took: "seen 2 min after it was published, enriched 0.4 s later, …"."""
    seen, enriched = latency.seen_at, latency.enriched_at
    early = seen < latency.published_at
    return (
        f"published {latency.published_at:%Y-%m-%d %H:%M:%S} UTC, seen "
        + (
            f"{in_words(latency.published_at - seen)} before that date"
            if early
            else f"{in_words(seen - latency.published_at)} later"
        )
        + f", enriched {in_words(enriched - seen)} after that, alert "
        f"{in_words(latency.alerted_at - enriched)} after that; "
        f"{in_words(latency.alerted_at - seen)} from seen to alert"
    )


def in_words(span: timedelta) -> str:
    """A time span with the unit that fits: "0.42 s", "3.5 min", "2.0 h", "4.1 days"."""
    seconds = span.total_seconds()
    for length, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.2f} s" if abs(seconds) < 10 else f"{seconds:.0f} s"


def dead_letter_in_words(letter: DeadLetter) -> str:
    """Where and why a record was given up."""
    return (
        f"refused by {letter.stage} from {letter.topic} {letter.partition}/{letter.offset}: "
        f"{letter.error}: {letter.message}"
    )
