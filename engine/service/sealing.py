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
        """Seals everything that waits, in batches, logs included; the newest checkpoint, None when nothing waited.

        Raises keys.KeyMissing on a machine without the key.
        """
        made = None
        while (found := self._batch()) is not None:
            made = found
        return made

    def _batch(self) -> Checkpoint | None:
        with self._journal.reading() as tx:
            if not log.unsealed(tx.connection) and not pending(tx):
                return None
        with self._journal.writing() as tx:
            hand = self.keys.hand(tx)
            now = self._clock.now()
            newest = log.latest(tx.connection)
            if newest is not None:
                now = max(now, newest.at)
            seal_logs(tx, now, self._journal.algorithm)
            return log.seal(tx.connection, hand, now)

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
