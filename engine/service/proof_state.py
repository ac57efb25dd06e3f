"""How far the record is sealed at this moment: for the auditor's start page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.journal import log


@dataclass(frozen=True, slots=True)
class ProofState:
    """`number`, `at`, `size`: of the newest checkpoint (its entries), 0 and None before the first.

    `waiting`: entries that no checkpoint covers yet, the oldest of them recorded at `oldest`.
    """

    number: int
    at: datetime | None
    size: int
    waiting: int
    oldest: datetime | None


def proof_state(conn: Connection) -> ProofState:
    newest, waiting = log.latest(conn), log.waiting(conn)
    if newest is None:
        return ProofState(0, None, 0, waiting.count, waiting.oldest)
    return ProofState(newest.number, newest.at, newest.size, waiting.count, waiting.oldest)
