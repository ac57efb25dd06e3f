"""Seals the journal in the background: looks every few seconds, signs when a checkpoint is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.service.bootstrap import Services
from engine.service.keys import KeyMissing


@dataclass(frozen=True, slots=True)
class Config:
    """`look_every`: seconds between two looks, each one or two small queries: bounds how late a seal is."""

    look_every: float = 5.0
    without_key: float = 300.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one run: checkpoints signed; 1 for a machine that lacks the key."""

    fired: int = 0
    failed: int = 0


class SealRunner:
    """One per process; the database lets one of them seal at a time."""

    def __init__(
        self, services: Services, config: Config = Config(), on_error: Callable[[Exception], None] | None = None
    ) -> None:
        self.services = services
        self.config = config
        self.on_error = on_error or (lambda error: None)
        self._without_key = False

    def run_once(self) -> Counts:
        """Seals if it is time. Another machine may have the key; this one then says so once, and waits."""
        sealer = self.services.sealer
        if not sealer.due(self.services.clock.now()):
            return Counts()
        try:
            made = sealer.seal()
        except KeyMissing as error:
            if not self._without_key:
                self.on_error(error)
            self._without_key = True
            return Counts()
        self._without_key = False
        return Counts(0 if made is None else 1)

    def seconds_to_next(self) -> float:
        return self.config.without_key if self._without_key else self.config.look_every
