"""The sealer: decides when to seal, covers the logs, signs checkpoints. One at a time, in any number of processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, func, select

from engine.domain.clock import Clock
from engine.journal import log
from engine.journal.checkpoint import Checkpoint
from engine.journal.schema import unsealed
from engine.journal.store import SqlJournal
from engine.readmodels.schema import cases

from .keys import KeyRing, PublicKey, public_keys
from .log_sealing import pending, seal_logs

EVERY: Final = timedelta(seconds=60)
"""An entry waits no longer than this; what is younger is the stated window."""
ENTRIES: Final = 1_000
"""So many waiting entries are sealed at once, whatever their age."""


class Sealer:
    """Seals a journal with the keys of a ring."""

    def __init__(self, journal: SqlJournal, keys: KeyRing, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.keys = keys

    def seal(self) -> Checkpoint | None:
        """Seals what waits at the call, in batches, logs included; the newest checkpoint, None when nothing waited.

        What comes while it is at work waits for the next call: a busy office would keep it at work for ever.
        Raises keys.CannotSign on a machine without the key.
        """
        with self._journal.reading() as tx:
            grown = pending(tx)
            if not grown and not log.unsealed(tx.connection):
                return None
        if grown:
            self._cover_logs()
        made = None
        while True:
            before, found = self._batch()
            if found is None:
                return made
            made = found
            if found.size - before < log.BATCH:
                return made

    def _cover_logs(self) -> None:
        """A transaction of its own: on PostgreSQL nobody can write to some of the logs until it ends."""
        with self._journal.writing() as tx:
            log.alone(tx.connection)
            self.keys.hand(tx)  # without a key nothing is covered either
            seal_logs(tx, self._now(log.latest(tx.connection)), self._journal.algorithm)

    def _batch(self) -> tuple[int, Checkpoint | None]:
        """Size of the tree before, and the checkpoint made."""
        with self._journal.writing() as tx:
            log.alone(tx.connection)
            newest = log.latest(tx.connection)
            hand = self.keys.hand(tx)
            size = 0 if newest is None else newest.size
            return size, log.seal(tx.connection, hand, self._now(newest), log.BATCH)

    def _now(self, newest: Checkpoint | None) -> datetime:
        """The clock's instant, never before the newest checkpoint's."""
        now = self._clock.now()
        return now if newest is None else max(now, newest.at)

    def due(self, now: datetime) -> bool:
        """Whether it is time: the oldest entry has waited a minute, a thousand wait, or a case of them has ended."""
        with self._journal.reading() as tx:
            waiting = log.waiting(tx.connection)
            if waiting.oldest is None:
                newest = log.latest(tx.connection)
                return (newest is None or newest.at + EVERY <= now) and pending(tx)
            if waiting.count >= ENTRIES or waiting.oldest + EVERY <= now:
                return True
            ended = exists().where(cases.c.case_id == unsealed.c.case_id, cases.c.status == "closed")
            return bool(tx.connection.scalar(select(func.count()).select_from(unsealed).where(ended)))

    def public_keys(self) -> list[PublicKey]:
        """Every key that ever signed, the oldest first."""
        with self._journal.reading() as tx:
            return public_keys(tx.connection)
