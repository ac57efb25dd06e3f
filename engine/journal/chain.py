"""Checks that a stream is whole: each body hashes to its hash, each hash is the next one's prev_hash, no gap in seq."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .entry import GENESIS, StoredEntry
from .hashing import digest


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken: `what` is seq, prev_hash, hash, time or stream."""

    case_id: str
    seq: int
    what: str
    expected: str
    got: str


def verify_chain(entries: Iterable[StoredEntry], algorithm: str = "sha256") -> list[Break]:
    """Every break of one stream's entries, in order; empty when it is whole. Requires entries ordered by seq."""
    breaks: list[Break] = []
    prev, seq, stream, at = GENESIS, 0, "", ""
    for entry in entries:
        seq += 1
        stream = stream or entry.case_id

        def check(what: str, expected: object, got: object, entry: StoredEntry = entry) -> None:
            if expected != got:
                breaks.append(Break(entry.case_id, entry.seq, what, str(expected), str(got)))

        check("seq", seq, entry.seq)
        check("stream", stream, entry.case_id)
        check("prev_hash", prev, entry.prev_hash)
        check("hash", digest(algorithm, entry.body).hex(), entry.hash)
        if at and entry.at.isoformat() < at:
            breaks.append(Break(entry.case_id, entry.seq, "time", f">= {at}", entry.at.isoformat()))
        prev, seq, at = entry.hash, entry.seq, entry.at.isoformat()
    return breaks
