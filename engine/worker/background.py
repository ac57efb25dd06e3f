"""Everything that a process does beside answering requests, each kind of work in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from engine.service.bootstrap import Services
from engine.service.processes import FIRES, Kind

from .heart import HeartRunner
from .loop import Loop
from .sealing import SealRunner
from .timers import LOOK_AGAIN_SECONDS, LOOK_AGAIN_SECONDS_TEST_CLOCK, Config, TimerRunner

log = logging.getLogger("opinion.worker")


class Background:
    """The loops of a process of this kind. `serve` gives signs of life only; `worker` and `run` do all the work."""

    def __init__(self, services: Services, kind: Kind) -> None:
        self._services = services
        self._heart = HeartRunner(services, kind)
        self._beating = Loop(self._heart, "heart")
        self._working = list(self._loops()) if kind in FIRES else []

    def start(self) -> None:
        for loop in (self._beating, *self._working):
            loop.start()

    def wake(self) -> None:
        """Something was committed: a timer may be due earlier than the loops believe."""
        for loop in self._working:
            loop.wake()

    def stop(self, seconds: float) -> bool:
        """Ends all loops after the work under way, within so many seconds; whether all of them ended."""
        until = time.monotonic() + seconds
        loops = [*self._working, self._beating]
        for loop in loops:
            loop.ask_to_stop()
        ended = [loop.stop(max(0.0, until - time.monotonic())) for loop in loops]
        try:
            self._heart.leave()
        except SQLAlchemyError as error:  # the row then stays for a day; that is no reason to end badly
            log.warning("not signed off", extra={"fault": type(error).__name__})
        return all(ended)

    def _loops(self) -> Iterator[Loop]:
        yield Loop(_timers(self._services))
        yield Loop(_sealing(self._services), "sealing")


def _timers(services: Services) -> TimerRunner:
    look_again = LOOK_AGAIN_SECONDS_TEST_CLOCK if services.settings.test_clock else LOOK_AGAIN_SECONDS
    return TimerRunner(
        services,
        Config(look_again=look_again),
        on_error=lambda case_id, error: log.exception("case failed", exc_info=error, extra={"case_id": case_id}),
    )


def _sealing(services: Services) -> SealRunner:
    return SealRunner(services, on_error=lambda error: log.error("%s", error))
