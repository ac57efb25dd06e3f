"""Keeps a program's read models up with what programs of another shape write, while an upgrade rolls (PostgreSQL)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from engine.readmodels import sets
from engine.service.bootstrap import Services, catch_up

log = logging.getLogger("opinion.worker")


@dataclass(frozen=True, slots=True)
class Config:
    """Seconds between two looks: while there is no other set, and while there is one. `batch`: cases of one run."""

    alone: float = 5.0
    beside_others: float = 1.0
    batch: int = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one run: entries projected; cases that hold entries which this program can't read."""

    fired: int = 0
    failed: int = 0


class CatchUpRunner:
    """One per process that reads. Does nothing on SQLite, where a file has one shape at a time."""

    def __init__(self, services: Services, config: Config = Config()) -> None:
        self.services = services
        self.config = config
        self._others = 0
        self._told: set[str] = set()

    def run_once(self) -> Counts:
        engine = self.services.engine
        if engine.dialect.name != "postgresql":
            return Counts()
        if not sets.sign_of_life(engine):
            log.error("read models of this release were dropped: start this process again")
        with engine.connect() as conn:
            self._others = sets.others(conn)
            waiting = sets.behind(conn, self.config.batch) if self._others else []
        projected = failed = 0
        for case_id in waiting:
            try:
                projected += catch_up(engine, case_id)
            except sets.NotUnderstood:
                failed += 1
                if case_id not in self._told:
                    self._told.add(case_id)
                    log.warning("entries of a later release: not shown by this process", extra={"case_id": case_id})
        return Counts(projected, failed)

    def seconds_to_next(self) -> float:
        return self.config.beside_others if self._others else self.config.alone
