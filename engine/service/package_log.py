"""What a package takes from the sealed log: the newest checkpoint, where each entry stands in it, and the keys."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from engine.domain.codec import JSON, instant_text
from engine.domain.rejection import Rejection
from engine.journal import checkpoint as notes
from engine.journal import log
from engine.journal.entry import StoredEntry
from engine.journal.schema import checkpoints

from .keys import KeyMissing, public_keys

NEWEST: Final = 100
"""Newest checkpoints that go along with the proof that the last continues them."""
DAYS: Final = 200
"""Days (UTC) whose last checkpoint goes along too: what people print and keep is older than an hour."""


@dataclass(frozen=True, slots=True)
class SealedLog:
    """`note`: text of the newest checkpoint, "" when nothing was ever sealed; `size`: leaves below it. `held`: size of
    a checkpoint that somebody holds and wants to compare, 0 for none."""

    origin: str
    size: int
    note: str
    algorithm: str
    time: str
    held: int = 0


def unsealed(conn: Connection) -> int:
    """Entries that no checkpoint holds yet."""
    return log.unsealed(conn)


def seal(services: Any) -> bool:
    """Seals what is not sealed yet, so that the package can prove all of its entries. False on a machine without the
    key: then the package says of some entries that they are not sealed."""
    try:
        services.sealer.seal()
    except KeyMissing:
        return False
    return True


def newest(services: Any, conn: Connection, held: str = "") -> SealedLog | Rejection:
    """The log as its newest checkpoint has it. `held`: text of a checkpoint from outside.

    Rejections: invalid for a `held` that is none, conflict for one that this log never signed.
    """
    last = log.latest(conn)
    size = 0
    if held:
        try:
            note = notes.read(held.replace("\r\n", "\n"))
        except notes.BadNote as error:
            return Rejection("invalid", "package.bad_checkpoint", {"reason": str(error)})
        size = note.size
        known = conn.scalar(select(checkpoints.c.note).where(checkpoints.c.size == size))
        if last is None or known is None or notes.read(known).root != note.root or last.origin != note.origin:
            return Rejection("conflict", "package.other_checkpoint", {"size": size, "origin": note.origin})
    if last is None:
        return SealedLog("", 0, "", services.journal.algorithm, "")
    return SealedLog(last.origin, last.size, last.note, last.algorithm, instant_text(last.at), size)


def keys(conn: Connection, origin: str) -> list[dict[str, JSON]]:
    """Every public key that ever signed, the oldest first."""
    return [
        {
            "name": origin,
            "id": key.key_id,
            "public": base64.b64encode(bytes.fromhex(key.public)).decode(),
            "since": key.since,
            "until": key.until,
        }
        for key in public_keys(conn)
    ]


def proofs(conn: Connection, entries: Sequence[StoredEntry], sealed: SealedLog) -> Iterator[dict[str, JSON]]:
    """For each entry its hash, its leaf in the tree and the path to the root; leaf None when it is not sealed yet."""
    places = log.positions(conn, entries[0].case_id) if entries else {}
    within = [places[entry.seq] for entry in entries if places.get(entry.seq, sealed.size) < sealed.size]
    paths = log.inclusions(conn, within, sealed.size)
    for entry in entries:
        leaf = places.get(entry.seq, sealed.size)
        inside = leaf < sealed.size
        path = next(paths) if inside else []
        yield {
            "seq": entry.seq,
            "hash": entry.hash,
            "leaf": leaf if inside else None,
            "proof": [part.hex() for part in path],
        }


def earlier(conn: Connection, sealed: SealedLog) -> Iterator[dict[str, JSON]]:
    """Earlier checkpoints with the proof that the newest begins with them: the newest ones, the last of each day,
    those that two keys signed, and the one that somebody holds."""
    numbers, size = checkpoints.c.number, checkpoints.c.size
    before = size < sealed.size
    days = select(func.max(numbers)).where(before).group_by(func.substr(checkpoints.c.at, 1, 10))
    chosen = {
        *conn.scalars(select(numbers).where(before).order_by(numbers.desc()).limit(NEWEST)),
        *sorted(conn.scalars(days))[-DAYS:],
        *conn.scalars(select(numbers).where(before, checkpoints.c.key_ids.contains(" "))),
        *conn.scalars(select(numbers).where(before, size == sealed.held)),
    }
    for number in sorted(chosen):
        found = log.checkpoint(conn, number)
        assert found is not None
        path = log.consistency(conn, found.size, sealed.size)
        yield {"note": found.note, "proof": [part.hex() for part in path]}
