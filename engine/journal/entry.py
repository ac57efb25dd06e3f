"""One journal entry: what was asked, what it caused, and its place in the case's hash chain (docs/journal.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.domain.codec import JSON, canonical, instant_text, parse_instant

from .hashing import digest

GENESIS = "0" * 64
"""prev_hash of the first entry of every stream."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as read from or written to a store. `body`: the canonical bytes that `hash` is of."""

    case_id: str
    seq: int
    at: datetime
    actor: str
    on_behalf_of: str
    command_id: str
    command: dict[str, JSON]
    bundle: str
    engine_version: str
    events: tuple[dict[str, JSON], ...]
    state_digest: str
    prev_hash: str
    hash: str
    body: bytes


def make_entry(
    *,
    case_id: str,
    seq: int,
    at: datetime,
    actor: str,
    on_behalf_of: str,
    command_id: str,
    command: Mapping[str, JSON],
    bundle: str,
    engine_version: str,
    events: Sequence[Mapping[str, JSON]],
    state_digest: str,
    prev_hash: str,
    algorithm: str = "sha256",
) -> StoredEntry:
    """The entry with its body and hash (`algorithm`: see hashing). Requires JSON values only; NaN and infinity raise
    ValueError."""
    fields: dict[str, Any] = {
        "case_id": case_id,
        "seq": seq,
        "at": instant_text(at),
        "actor": actor,
        "on_behalf_of": on_behalf_of,
        "command_id": command_id,
        "command": dict(command),
        "bundle": bundle,
        "engine_version": engine_version,
        "events": [dict(e) for e in events],
        "state_digest": state_digest,
        "prev_hash": prev_hash,
    }
    body = canonical(fields)
    fields["at"] = at
    fields["events"] = tuple(fields["events"])
    return StoredEntry(**fields, hash=digest(algorithm, body).hex(), body=body)


def read_entry(body: bytes, stored_hash: str) -> StoredEntry:
    """The entry of stored bytes. Does not check the hash: that is what `chain.verify_chain` is for.

    Raises ValueError, KeyError or TypeError for bytes that are no entry.
    """
    fields = json.loads(body)
    fields["at"] = parse_instant(fields["at"])
    fields["events"] = tuple(fields["events"])
    entry = StoredEntry(**fields, hash=stored_hash, body=body)
    if not _well_formed(entry):
        raise ValueError("not the fields of an entry")
    return entry


def _well_formed(entry: StoredEntry) -> bool:
    """Of the types that everything which reads entries relies on: only bytes that somebody changed are not."""
    texts = (
        entry.case_id, entry.actor, entry.on_behalf_of, entry.command_id, entry.bundle, entry.engine_version,
        entry.state_digest, entry.prev_hash,
    )  # fmt: skip
    if type(entry.seq) is not int or not all(type(text) is str for text in texts):
        return False
    return all(type(one) is dict and type(one.get("kind")) is str for one in (entry.command, *entry.events))
