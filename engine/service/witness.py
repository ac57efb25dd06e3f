"""What somebody outside keeps of the log, and how it is compared later: a witness needs no trust in this server.

A witness file is JSON: the newest checkpoint as it was signed, every public key that ever signed, and the entries of
stream `_keys` that announced them. A checkpoint alone (its text, copied or read from its QR code) is a witness too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection

from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.journal import checkpoint, log
from engine.journal.checkpoint import BadNote, Note

from . import exports, keys

FORMAT: Final = "opinion-cases-witness/1"
MOST_BYTES: Final = 4 * 1024 * 1024
"""A witness file holds one note and some keys; what is larger is something else."""

Verdict = Literal["consistent", "other_log", "unsigned", "unknown_key", "cut_off", "rewritten", "damaged"]


@dataclass(frozen=True, slots=True)
class Witness:
    """What was kept. `keys`: id -> public key (32 bytes), {} for a note alone."""

    note: Note
    keys: Mapping[str, bytes]


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
    found = {
        "format": FORMAT,
        "watermark": watermark.text,
        "origin": newest.origin,
        "number": newest.number,
        "note": newest.note,
        "keys": [{"key_id": key.key_id, "public": key.public, "since": key.since, "until": key.until} for key in known],
        "key_entries": announced,
    }
    content = (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode()
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
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        if text.lstrip().startswith("{"):
            return _from_file(json.loads(text))
        return Witness(checkpoint.read(text.strip() + "\n"), {})
    except BadNote as error:
        return _unreadable(str(error))
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _unreadable("neither a witness file nor a checkpoint")


def _from_file(found: Mapping[str, Any]) -> Witness | Rejection:
    if found.get("format") != FORMAT:
        return _unreadable(f"expected format {FORMAT}")
    kept = {str(key["key_id"]): bytes.fromhex(key["public"]) for key in found["keys"]}
    if any(len(public) != 32 for public in kept.values()):
        return _unreadable("expected keys of 32 bytes")
    return Witness(checkpoint.read(str(found["note"])), kept)


def _unreadable(what: str) -> Rejection:
    return Rejection("invalid", "witness.unreadable", {"what": what})


def compare(conn: Connection, witness: Witness) -> Comparison:
    """Compares the tree of today with what was kept. Reads some hundred rows, not the entries: that is `verify`."""
    note = witness.note
    today = {key.key_id: bytes.fromhex(key.public) for key in keys.public_keys(conn)}
    newest = log.latest(conn)
    signed_by = checkpoint.signers(note, today)
    missing = tuple(sorted(kept for kept, public in witness.keys.items() if today.get(kept) != public))
    verdict = _verdict(conn, witness, signed_by, 0 if newest is None else newest.size)
    here = 0 if newest is None else newest.size
    return Comparison(verdict, note.origin, note.size, note.at, here, signed_by, missing)


def _verdict(conn: Connection, witness: Witness, signed_by: tuple[str, ...], here: int) -> Verdict:
    note = witness.note
    if note.origin != log.origin(conn):
        return "other_log"
    if not signed_by:
        by_witness = checkpoint.signers(note, witness.keys)
        known = {key.key_id for key in keys.public_keys(conn)}
        strange = any(one.key_id not in known for one in note.signatures)
        return "unknown_key" if by_witness or strange else "unsigned"
    if note.size > here:
        return "cut_off"
    try:
        return "consistent" if log.root_at(conn, note.size) == note.root else "rewritten"
    except LookupError:
        return "damaged"
