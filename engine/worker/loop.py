"""The worker's thread: run what is due, sleep until the next, wake when something earlier is armed, stop when told."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from engine.service import logs

log = logging.getLogger("opinion.worker")
PAUSE_AFTER_FAILURE_SECONDS = 5.0
"""The runner itself could not work: the database is away."""
TICK_SECONDS = 1.0
"""Between two looks at the clock while asleep: bounds what a jump of the system clock costs."""
SHORTEST_SECONDS = 0.01


class Counts(Protocol):
    """Of one run: things done, and things that failed and will be tried again."""

    @property
    def fired(self) -> int: ...
    @property
    def failed(self) -> int: ...


class Runner(Protocol):
    """Background work of one kind (TimerRunner, SealRunner). It may have two methods more: `disturbed() -> bool`, asked
    every second of a sleep, without SQL: whether to end it; `close()`."""

    def run_once(self) -> Counts: ...
    def seconds_to_next(self) -> float: ...


class Loop:
    """Runs a runner in a thread of its own. `wake` is what the application calls after a commit that armed an earlier
    timer, and the listener when another process did."""

    def __init__(self, runner: Runner, name: str = "timers", tick: float = TICK_SECONDS) -> None:
        self.runner = runner
        self.tick = tick
        self._disturbed = getattr(runner, "disturbed", None)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def ask_to_stop(self) -> None:
        """The loop will end after the work under way; does not wait for it."""
        self._stop.set()
        self._wake.set()

    def stop(self, timeout_seconds: float = 10.0) -> bool:
        """Ends the loop after the work under way; whether it has ended within so many seconds."""
        self.ask_to_stop()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            with logs.within():
                try:
                    counts = self.runner.run_once()
                    pause = self._pause(counts)
                except Exception:
                    log.exception("background run failed", extra={"work": self._thread.name})
                    self._wake.wait(PAUSE_AFTER_FAILURE_SECONDS)
                else:
                    self._sleep(pause)
        close = getattr(self.runner, "close", None)
        if close is not None:
            close()

    def _sleep(self, seconds: float) -> None:
        """Sleeps for so long, or until somebody calls, or until the runner says that it was disturbed."""
        while seconds > 0 and not self._stop.is_set() and not self._wake.wait(min(seconds, self.tick)):
            seconds -= self.tick
            if self._disturbed is not None and seconds > 0 and self._disturbed():
                return

    def _pause(self, counts: Counts) -> float:
        if counts.fired:
            log.info("done", extra={"work": self._thread.name, "fired": counts.fired})
            return 0.0
        return max(SHORTEST_SECONDS, self.runner.seconds_to_next())
