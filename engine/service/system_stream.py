"""Entries of the streams that are no cases: `_keys`, `_logs`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from engine import VERSION
from engine.domain.codec import JSON, canonical
from engine.journal.entry import GENESIS, StoredEntry, make_entry
from engine.journal.store import SqlTransaction


def add_entry(
    tx: SqlTransaction,
    stream: str,
    at: datetime,
    actor: str,
    command: Mapping[str, JSON],
    event: Mapping[str, JSON],
    algorithm: str,
) -> StoredEntry:
    """Appends the next entry of a stream whose entries have one event; its state digest is that event's sha256.

    Its command id is the stream's name and its place, so that two processes can't both write it.
    """
    head = tx.head(stream)
    seq = 1 if head is None else head.seq + 1
    if head is not None:
        at = max(at, tx.read(stream, head.seq - 1)[-1].at)
    entry = make_entry(
        case_id=stream,
        seq=seq,
        at=at,
        actor=actor,
        on_behalf_of="",
        command_id=f"{stream}/{seq}",
        command=command,
        bundle="",
        engine_version=VERSION,
        events=[event],
        state_digest=hashlib.sha256(canonical(event)).hexdigest(),
        prev_hash=GENESIS if head is None else head.hash,
        algorithm=algorithm,
    )
    tx.append(entry)
    return entry
