"""Looks every few seconds whether due timers are fired in time, and keeps the record of when they were not."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from engine.service import delays
from engine.service.bootstrap import Services
from engine.service.transactions import writing

log = logging.getLogger("opinion.worker")
EVERY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Counts:
    fired: int = 0
    failed: int = 0


def overdue(conn: Connection, now: datetime) -> Mapping[str, int]:
    """Overdue timers by bucket: see engine.service.delays."""
    return delays.overdue(conn, now)


def watch(services: Services) -> None:
    """One look. Several processes may look at once: the number of a spell is its key."""
    now = services.clock.now()
    with services.engine.connect() as conn:
        if not delays.needs_note(conn, now):
            return
    try:
        with writing(services.engine) as conn:
            spell = delays.note(conn, now)
    except IntegrityError:
        return  # another process has just noted the same
    if spell is not None:
        log.error("timers are late", extra={"overdue": spell.most, "seconds": round(spell.longest_seconds)})


class WatchRunner:
    """`watch` as a loop of its own, beside the one that fires: a loop that hangs can't say that it does."""

    def __init__(self, services: Services, every: float = EVERY_SECONDS) -> None:
        self.services = services
        self.every = every

    def run_once(self) -> Counts:
        watch(self.services)
        return Counts()

    def seconds_to_next(self) -> float:
        return self.every
