"""The witness file for somebody outside, and what he kept compared with the log of today: for pages and commands.

`verify --witness` compares with the entries themselves; this compares with the stored tree, in some milliseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection

from engine.domain.codec import JSON
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.journal import checkpoint, log
from engine.journal.checkpoint import BadNote

from . import exports, keys
from .witness import Witness, written

MOST_BYTES: Final = 4 * 1024 * 1024
"""A witness file holds one note and some keys; what is larger is something else."""

Verdict = Literal["consistent", "other_log", "unsigned", "unknown_key", "cut_off", "rewritten", "damaged"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the log of today stands to what was kept.

    consistent   today's log begins with exactly what the note covers
    other_log    the note is of another installation
    unsigned     no signature holds, not even with the keys kept beside it: the note was changed
    unknown_key  signed with a key that today's log does not know: its keys were exchanged
    cut_off      the note covers more than there is: an older backup, or an end cut off
    rewritten    what the note covers is not what stands there now
    damaged      hashes of the tree are missing

    `size`, `at`: of the note. `here`: entries under the newest checkpoint. `signed_by`: keys of today's log whose
    signature holds. `missing_keys`: keys that were kept and are not known any more.
    """

    verdict: Verdict
    origin: str
    size: int
    at: datetime
    here: int
    signed_by: tuple[str, ...]
    missing_keys: tuple[str, ...]


def witness_bytes(services: Any, actor: Actor, address: str) -> bytes | None:
    """A witness file for the newest checkpoint, logged as an export; None before there is one."""
    with services.journal.reading() as tx:
        newest = log.latest(tx.connection)
        known = keys.public_keys(tx.connection)
        announced = [entry.body.decode() for entry in tx.read(keys.STREAM)]
    if newest is None:
        return None
    watermark = exports.begin(services, actor, "witness", str(newest.number), address)
    facts: list[dict[str, JSON]] = [
        {"key_id": key.key_id, "public": key.public, "since": key.since, "until": key.until} for key in known
    ]
    content = (written(newest.note, facts, watermark.text, announced) + "\n").encode()
    exports.made(services, watermark.number, hashlib.sha256(content).hexdigest(), len(content))
    return content


def print_checkpoint(services: Any, out: Path | None, write: Callable[[str], object]) -> int:
    """Prints the newest checkpoint, or writes a witness file to `out`. 0 when done, 1 while there is none.

    Raises OSError when `out` can't be written; a file that is there already is not written over.
    """
    with services.journal.reading() as tx:
        newest = log.latest(tx.connection)
    if newest is None:
        write("还没有校验点，可先运行 seal / no checkpoint yet, run seal first")
        return 1
    if out is None:
        write(newest.note.rstrip("\n"))
        return 0
    with out.open("xb") as target:
        content = witness_bytes(services, exports.COMMAND_LINE, "")
        target.write(content or b"")
    write(f"{out}: 第 {newest.number} 号校验点, {newest.size} 条记录")
    return 0


def read_witness(data: bytes) -> Witness | Rejection:
    """A witness file, or the text of a checkpoint with Windows ends of line or blanks around it.

    Rejection(invalid) `witness.unreadable` with what is wrong.
    """
    if len(data) > MOST_BYTES:
        return _unreadable(f"{len(data)} > {MOST_BYTES} bytes")
    try:
        found = Witness.read(data.decode("utf-8-sig").strip() + "\n")
    except BadNote as error:
        return _unreadable(str(error)[:200])
    except (ValueError, RecursionError):
        return _unreadable("neither a witness file nor a checkpoint")
    if any(len(public) != 32 for public in found.keys.values()):
        return _unreadable("expected keys of 32 bytes")
    return found


def _unreadable(what: str) -> Rejection:
    return Rejection("invalid", "witness.unreadable", {"what": what})


def compare(conn: Connection, witness: Witness) -> Comparison:
    """Compares the tree of today with what was kept. Reads some hundred rows, not the entries: that is `verify`."""
    note = witness.note
    today = keys.by_id(keys.public_keys(conn))
    newest = log.latest(conn)
    here = 0 if newest is None else newest.size
    signed_by = checkpoint.signers(note, today)
    missing = tuple(sorted(kept for kept, public in witness.keys.items() if today.get(kept) != public))
    verdict = _verdict(conn, witness, signed_by, today, here)
    return Comparison(verdict, note.origin, note.size, note.at, here, signed_by, missing)


def _verdict(
    conn: Connection, witness: Witness, signed_by: tuple[str, ...], known: Mapping[str, bytes], here: int
) -> Verdict:
    note = witness.note
    if note.origin != log.origin(conn):
        return "other_log"
    if not signed_by:
        by_witness = checkpoint.signers(note, witness.keys)
        strange = any(one.key_id not in known for one in note.signatures)
        return "unknown_key" if by_witness or strange else "unsigned"
    if note.size > here:
        return "cut_off"
    try:
        return "consistent" if log.root_at(conn, note.size) == note.root else "rewritten"
    except LookupError:
        return "damaged"
