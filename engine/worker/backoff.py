"""Cases whose timers could not be fired: each is tried again later and later, and holds nobody up meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 300.0
"""A case that failed often is tried every five minutes: whoever mended it need not call."""


class Backoff:
    """In memory: a process that starts tries everything once. `steady`: seconds that never jump."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._failed: dict[str, tuple[int, float]] = {}

    def failed(self, case_id: str) -> float:
        """Notes a failure; returns the seconds until the next try: 1, 2, 4 ... 300."""
        times = self._failed.get(case_id, (0, 0.0))[0] + 1
        pause = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(times - 1, 20))
        self._failed[case_id] = times, self._steady() + pause
        return pause

    def held(self) -> frozenset[str]:
        """Cases that are not to be tried now. One that was not heard of again for long after its turn is forgotten."""
        now = self._steady()
        for case_id, (_, until) in list(self._failed.items()):
            if now > until + 2 * LONGEST_SECONDS:
                del self._failed[case_id]
        return frozenset(case_id for case_id, (_, until) in self._failed.items() if until > now)

    def seconds_to_next(self) -> float | None:
        """Until the next one may be tried; None if none waits for its turn."""
        now = self._steady()
        return min((until - now for _, until in self._failed.values() if until > now), default=None)
