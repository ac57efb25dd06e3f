"""The worker's thread: run what is due, sleep until the next, wake when something earlier is armed, stop when told."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

log = logging.getLogger("opinion.worker")
PAUSE_AFTER_FAILURE_SECONDS = 5.0
"""A case that fails stays due; without a pause the loop would spin on it."""


class Counts(Protocol):
    """Of one run: things done, and things that failed and will be tried again."""

    @property
    def fired(self) -> int: ...
    @property
    def failed(self) -> int: ...


class Runner(Protocol):
    """Background work of one kind (TimerRunner, SealRunner)."""

    def run_once(self) -> Counts: ...
    def seconds_to_next(self) -> float: ...


class Loop:
    """Runs a runner in a thread of its own. `wake` is what the application calls after each commit, for timers."""

    def __init__(self, runner: Runner, name: str = "timers") -> None:
        self.runner = runner
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Ends the loop after the work under way."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                counts = self.runner.run_once()
                pause = self._pause(counts)
            except Exception:
                log.exception("background run failed")
                pause = PAUSE_AFTER_FAILURE_SECONDS
            if pause > 0:
                self._wake.wait(pause)

    def _pause(self, counts: Counts) -> float:
        if counts.fired:
            log.info("done", extra={"work": self._thread.name, "fired": counts.fired})
        if counts.failed:
            return PAUSE_AFTER_FAILURE_SECONDS
        return 0.0 if counts.fired else max(0.2, self.runner.seconds_to_next())
