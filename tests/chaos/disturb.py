"""Who is disturbed how and when: a plan that follows from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

__all__ = ["BROKER", "FREEZE_SECONDS", "Disturbance", "plan"]

BROKER = "broker"
FREEZE_SECONDS = 20.0
"""Less than the groups wait for a member (30 s), and twice as much is more."""
GAP_SECONDS = (5.0, 15.0)
BROKER_GAP_SECONDS, AWAY_SECONDS = 25.0, 8.0
"""How often one of several brokers is killed, and for how long it is away: others take over meanwhile."""

_WORDS = {
    "kill": "gets kill -9",
    "term": "gets SIGTERM, and is started again",
    "freeze": "stands still for {seconds:g} s",
    "join": "joins",
    "leave": "leaves for good",
    "restart": "is stopped in order, and started again after {seconds:g} s",
    "crash": "gets kill -9, and is started again after {seconds:g} s",
}


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens to a process or to the broker."""

    at: float
    """Seconds after the first output."""
    kind: str
    whom: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.whom} {_WORDS[self.kind].format(seconds=self.seconds)}"


def plan(
    seed: int,
    seconds: float,
    stages: Sequence[str],
    *,
    freeze_seconds: float = FREEZE_SECONDS,
    brokers: int = 1,
) -> list[Disturbance]:
    """Draw what happens: something to a worker every 5 to 15 s, and what the broker goes through.

    A broker that is alone is stopped after a third of the time, and killed after two thirds. Of several, one is
    killed every 25 s, in turn.

    Args:
        seed: of all choices.
        seconds: how long disturbances go on.
        stages: each has a worker `<stage>-1`, and a second one now and then.
        freeze_seconds: how long a process stands still; twice as long now and then, where another one is there.
        brokers: how many there are.
    """
    dice = random.Random(seed)
    there = {stage: [f"{stage}-1"] for stage in stages}
    found = _of_brokers(seconds, brokers)
    at = dice.uniform(*GAP_SECONDS) / 2
    while at < seconds:
        stage = dice.choice(list(stages))
        kind = dice.choice(("kill", "kill", "term", "freeze", "second"))
        if kind == "second":
            kind = "leave" if len(there[stage]) == 2 else "join"
            whom = f"{stage}-2"
            there[stage] = [f"{stage}-1", *([whom] if kind == "join" else [])]
        else:
            whom = dice.choice(there[stage])
        still = freeze_seconds if kind == "freeze" else 0.0
        if still and len(there[stage]) == 2 and dice.random() < 0.5:
            still *= 2  # the other one takes over meanwhile
        found.append(Disturbance(at=round(at, 1), kind=kind, whom=whom, seconds=still))
        at += dice.uniform(*GAP_SECONDS)
    return sorted(found, key=lambda each: each.at)


def _of_brokers(seconds: float, brokers: int) -> list[Disturbance]:
    if brokers == 1:
        return [
            Disturbance(at=seconds / 3, kind="restart", whom=BROKER, seconds=2.0),
            Disturbance(at=seconds * 2 / 3, kind="crash", whom=BROKER, seconds=2.0),
        ]
    times = range(max(round(seconds / BROKER_GAP_SECONDS), 1))
    return [
        Disturbance(
            at=BROKER_GAP_SECONDS * (turn + 0.5),
            kind="crash",
            whom=f"{BROKER}-{turn % brokers + 1}",
            seconds=AWAY_SECONDS,
        )
        for turn in times
    ]
