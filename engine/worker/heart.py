"""Gives this process's signs of life (engine.service.processes)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.service.bootstrap import Services
from engine.service.processes import EVERY_SECONDS, Kind, Presence
from engine.service.transactions import writing


@dataclass(frozen=True, slots=True)
class Counts:
    """Always nothing done: a sign of life is no work that anybody reads about in the log."""

    fired: int = 0
    failed: int = 0


class HeartRunner:
    """One per process."""

    def __init__(self, services: Services, kind: Kind) -> None:
        self.services = services
        self.presence = Presence(kind)

    def run_once(self) -> Counts:
        with writing(self.services.engine) as conn:
            self.presence.beat(conn, self.services.clock.now())
        return Counts()

    def leave(self) -> None:
        """This process stops by itself, and is not missed."""
        with writing(self.services.engine) as conn:
            self.presence.leave(conn)

    def seconds_to_next(self) -> float:
        return EVERY_SECONDS
