"""How far the record is sealed, and the checkpoints themselves: for the auditor's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from engine.journal import log
from engine.journal.checkpoint import Checkpoint, read, signers

from .keys import PublicKey, by_id, public_keys

PAGE_SIZE: Final = 50


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


@dataclass(frozen=True, slots=True)
class CheckpointPage:
    """Checkpoints, newest first. `older`, `newer`: number to go on from, None at the end."""

    checkpoints: tuple[Checkpoint, ...]
    older: int | None
    newer: int | None


def checkpoint_page(conn: Connection, before: int | None = None) -> CheckpointPage:
    """The newest checkpoints, or those with numbers under `before`."""
    newest = log.latest(conn)
    last = 0 if newest is None else newest.number
    top = last if before is None else max(0, min(before - 1, last))
    after = max(0, top - PAGE_SIZE)
    shown = tuple(reversed(log.checkpoints(conn, after, top - after))) if top else ()
    return CheckpointPage(shown, after + 1 if after else None, min(top + PAGE_SIZE, last) + 1 if top < last else None)


@dataclass(frozen=True, slots=True)
class Shown:
    """One checkpoint with the keys that signed it. `holds`: ids of those whose signature holds."""

    checkpoint: Checkpoint
    keys: tuple[PublicKey, ...]
    holds: tuple[str, ...]
    last: int


def one_checkpoint(conn: Connection, number: int) -> Shown | None:
    """The checkpoint of this number; `last`: number of the newest."""
    found, newest = log.checkpoint(conn, number), log.latest(conn)
    if found is None or newest is None:
        return None
    known = public_keys(conn)
    holds = signers(read(found.note), by_id(known))
    return Shown(found, tuple(key for key in known if key.key_id in found.key_ids), holds, newest.number)
