"""Notices that somebody has set the wall clock. Pure; the caller has the clocks."""

from __future__ import annotations

__all__ = ["LEAST_SECONDS", "ClockJumps"]

LEAST_SECONDS = 30.0
"""Less is what time servers correct, and what a busy machine takes between two readings."""


class ClockJumps:
    """Compares a wall clock with a steady one."""

    def __init__(self) -> None:
        self._ahead: float | None = None

    def note(self, wall: float, steady: float) -> float:
        """Read both clocks.

        Args:
            wall: Unix seconds.
            steady: seconds of a clock that nobody sets.

        Returns:
            By how many seconds the wall clock has been set since it was last found to be, negative if back;
            0.0 where it goes as it should.
        """
        ahead = wall - steady
        if self._ahead is None:
            self._ahead = ahead
        jump = ahead - self._ahead
        if abs(jump) < LEAST_SECONDS:
            return 0.0
        self._ahead = ahead
        return jump
