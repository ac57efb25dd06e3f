"""What people decide about items and topics, as entries of one stream of the journal: it can be proved afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from engine.domain.codec import JSON
from engine.domain.rejection import Rejection
from engine.journal.store import CommandSeen, SequenceTaken, SqlTransaction

from .system_stream import add_entry

STREAM: Final = "_items"
ATTEMPTS: Final = 5
"""Two people who decide at once meet at the next number of the stream; one of them begins anew."""
T = TypeVar("T")


class _Refused(Exception):
    """Undoes what a change wrote before it was refused."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.key)
        self.rejection = rejection


class Writing:
    """One transaction: rows are changed on `conn`, and `note` says what was decided."""

    def __init__(self, tx: SqlTransaction, now: datetime, actor: str, algorithm: str, stream: str = STREAM) -> None:
        self.conn = tx.connection
        self.now = now
        self.actor = actor
        self._tx = tx
        self._algorithm = algorithm
        self._stream = stream

    def note(self, command: str, event: str, **facts: JSON) -> int:
        """Appends an entry: `command` (imperative) was asked, `event` (past tense) came of it, with these facts.
        Returns its number in the stream."""
        told: Mapping[str, JSON] = {name: value for name, value in facts.items() if value not in ("", None)}
        asked, came = {"kind": command, **told}, {"kind": event, **told}
        return add_entry(self._tx, self._stream, self.now, self.actor, asked, came, self._algorithm).seq


def decide(
    services: Any, actor: str, change: Callable[[Writing], T | Rejection], stream: str = STREAM
) -> T | Rejection:
    """Runs `change` in a transaction; a Rejection undoes all of it. `change` may be run again: others were faster."""
    for attempt in range(ATTEMPTS):
        try:
            with services.journal.writing() as tx:
                outcome = change(Writing(tx, services.clock.now(), actor, services.journal.algorithm, stream))
                if isinstance(outcome, Rejection):
                    raise _Refused(outcome)
                return outcome
        except _Refused as refused:
            return refused.rejection
        except (SequenceTaken, CommandSeen):
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
