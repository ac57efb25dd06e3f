"""Sends notifications in the background: looks every two seconds, and when a retry is due.

It is not woken by what writes notifications. Each submission writes one, and a wake-up in its transaction would cost
every one of them; a look costs two reads of small indexes.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.service import outbox
from engine.service.bootstrap import Services
from engine.service.outbox import Counts, Limits


@dataclass(frozen=True, slots=True)
class Config:
    """`look_again`: longest sleep in seconds, bounds how late a notification goes out. `limits`: of one run."""

    look_again: float = 2.0
    limits: Limits = Limits()


class OutboxRunner:
    """One per process; several may run at once."""

    def __init__(self, services: Services, config: Config = Config()) -> None:
        self.services = services
        self.config = config

    def run_once(self) -> Counts:
        return outbox.deliver(self.services, self.config.limits)

    def seconds_to_next(self) -> float:
        return outbox.seconds_to_next(self.services, self.config.look_again)
