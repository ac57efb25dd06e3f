"""The clock seam: everything that needs the time is handed a `Clock`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...


class FixedClock:
    """A clock that stands still until told to move; for tests and for play."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("FixedClock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        """Moves to `at` (aware), forward or backward: backward is how a broken system clock is tested."""
        if at.tzinfo is None:
            raise ValueError("FixedClock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def advance(self, **duration: float) -> datetime:
        """Moves forward by `timedelta(**duration)` and returns the new instant."""
        self._at += timedelta(**duration)
        return self._at
