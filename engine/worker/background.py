"""Everything that a process does beside answering requests, each kind of work in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Protocol

from engine.service.bootstrap import Services
from engine.service.processes import FIRES, Kind

from .heart import HeartRunner
from .listener import Listener
from .loop import TICK_SECONDS, Loop
from .outbox import OutboxRunner
from .queue import Queue
from .readmodels import CatchUpRunner
from .sealing import SealRunner
from .timers import LOOK_AGAIN_SECONDS, LOOK_AGAIN_SECONDS_TEST_CLOCK, Config, TimerRunner
from .watchdog import WatchRunner

log = logging.getLogger("opinion.worker")


class Work(Protocol):
    """Work in threads of its own (Loop, Queue)."""

    def start(self) -> None: ...
    def wake(self) -> None: ...
    def ask_to_stop(self) -> None: ...
    def stop(self, timeout_seconds: float = ...) -> bool: ...


class Background:
    """The loops of a process of this kind. `serve` gives signs of life and keeps its read models up; `worker` and `run`
    do all the work."""

    def __init__(self, services: Services, kind: Kind) -> None:
        self._services = services
        self._heart = HeartRunner(services, kind)
        self._beating = Loop(self._heart, "heart")
        self._reading = Loop(CatchUpRunner(services), "read models")
        self._working: list[Work] = [*self._loops(), Queue(services)] if kind in FIRES else []
        self._listener = Listener(services.engine, self.wake)

    def start(self) -> None:
        for loop in (self._beating, self._reading, *self._working):
            loop.start()
        if self._working:
            self._listener.start()

    def wake(self) -> None:
        """A timer was armed that is due earlier than the loops believe, by this process or another."""
        for loop in self._working:
            loop.wake()

    def stop(self, seconds: float) -> bool:
        """Ends all loops after the work under way, within so many seconds; whether all of them ended."""
        until = time.monotonic() + seconds
        loops: list[Work] = [*self._working, self._reading, self._beating]
        for loop in loops:
            loop.ask_to_stop()
        self._listener.ask_to_stop()
        ended = [loop.stop(max(0.0, until - time.monotonic())) for loop in loops]
        try:
            self._heart.leave()
        except Exception as error:  # the row then stays for a day; that is no reason to end badly
            log.warning("not signed off", extra={"fault": type(error).__name__})
        return all(ended)

    def _loops(self) -> Iterator[Loop]:
        tick = LOOK_AGAIN_SECONDS_TEST_CLOCK if self._services.settings.test_clock else TICK_SECONDS
        yield Loop(_timers(self._services), tick=tick)
        yield Loop(WatchRunner(self._services), "watchdog")
        yield Loop(_sealing(self._services), "sealing")
        yield Loop(OutboxRunner(self._services), "outbox")


def _timers(services: Services) -> TimerRunner:
    look_again = LOOK_AGAIN_SECONDS_TEST_CLOCK if services.settings.test_clock else LOOK_AGAIN_SECONDS
    return TimerRunner(
        services,
        Config(look_again=look_again),
        on_error=lambda case_id, error: log.exception("case failed", exc_info=error, extra={"case_id": case_id}),
    )


def _sealing(services: Services) -> SealRunner:
    return SealRunner(services, on_error=lambda error: log.error("%s", error))
