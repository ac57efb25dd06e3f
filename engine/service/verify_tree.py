"""Verification of the sealed log: every leaf against its entry, every checkpoint against the tree, every signature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Row, func, select

from engine.domain.codec import instant_text
from engine.journal import checkpoint as notes
from engine.journal import tree
from engine.journal.checkpoint import BadNote
from engine.journal.schema import checkpoint_keys, entries, leaves, subtrees, unsealed
from engine.journal.schema import checkpoints as checkpoint_rows
from engine.journal.store import SqlTransaction

from .keys import STREAM as KEYS
from .verification import Part, Tick


@dataclass(slots=True)
class Grown:
    """What the pass over the leaves leaves behind: the tree's size, and its root at each size that was asked for."""

    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    edges: dict[int, bytes] = field(default_factory=dict)


def check_tree(conn: Connection, part: Part, algorithm: str, sizes: set[int], grown: Grown, tick: Tick) -> None:
    """Every leaf is the hash of its entry, stands in its place, and no entry is missing from both tree and queue.
    Fills `grown`; `sizes`: at which the root is wanted.

    The tree is grown from the stored leaves, so that a changed entry is named once, here, and does not spoil all roots
    after it; a leaf changed together with its entry spoils the root of the next checkpoint instead.
    """
    edge = tree.Edge(algorithm=algorithm)
    wanted = select(leaves.c.position, leaves.c.case_id, leaves.c.seq, leaves.c.hash, entries.c.body)
    both = (entries.c.case_id == leaves.c.case_id) & (entries.c.seq == leaves.c.seq)
    rows = conn.execution_options(yield_per=1_000).execute(
        wanted.select_from(leaves.outerjoin(entries, both)).order_by(leaves.c.position)
    )
    made: dict[tuple[int, int], bytes] = {}
    expected = 0
    for row in rows:
        if row.position != expected:
            part.fault(row.case_id, row.seq, "leaf_gap", expected, row.position)
        expected = row.position + 1
        stored = bytes(row.hash)
        if row.body is None:
            part.fault(row.case_id, row.seq, "entry_missing", "", "")
        elif (got := tree.leaf_hash(bytes(row.body), algorithm)) != stored:
            part.fault(row.case_id, row.seq, "leaf_differs", stored.hex(), got.hex())
        edge.add(stored)
        for height, place, found in edge.finished:
            made[height, place] = found
        edge.finished.clear()
        if edge.size in sizes:
            grown.roots[edge.size] = edge.root()
            grown.edges[edge.size] = b"".join(edge.hashes)
        part.checked += 1
        tick(1)
    grown.size = edge.size
    _check_subtrees(conn, part, made)
    _check_queue(conn, part)


def _check_subtrees(conn: Connection, part: Part, made: dict[tuple[int, int], bytes]) -> None:
    stored = {(row.height, row.position): bytes(row.hash) for row in conn.execute(select(subtrees))}
    for place in sorted({*made, *stored}):
        expected, got = made.get(place, b"").hex(), stored.get(place, b"").hex()
        if expected != got:
            part.fault(f"{subtrees.name} {place[0]}", place[1], "subtree_differs", expected, got)


def _check_queue(conn: Connection, part: Part) -> None:
    """An entry that is neither in the tree nor waiting for it came into the database by another way."""
    in_tree = select(1).where(leaves.c.case_id == entries.c.case_id, leaves.c.seq == entries.c.seq)
    waits = select(1).where(unsealed.c.case_id == entries.c.case_id, unsealed.c.seq == entries.c.seq)
    if (conn.scalar(select(func.count()).select_from(leaves)) or 0) + (
        conn.scalar(select(func.count()).select_from(unsealed)) or 0
    ) == (conn.scalar(select(func.count()).select_from(entries)) or 0) and not part.faults:
        return
    strangers = select(entries.c.case_id, entries.c.seq).where(~in_tree.exists(), ~waits.exists())
    for row in conn.execute(strangers.order_by(entries.c.case_id, entries.c.seq)):
        part.fault(row.case_id, row.seq, "entry_never_sealed")


def check_checkpoints(conn: Connection, part: Part, grown: Grown, keys: Mapping[str, bytes], tick: Tick) -> None:
    """Each checkpoint says the root of the tree of its size, is signed by the keys of its time, and follows the one
    before it; all of them are of one log."""
    number, size, at, origin = 0, 0, "", ""
    signed_last: tuple[str, ...] = ()
    order = list(keys)
    for row in conn.execute(select(checkpoint_rows).order_by(checkpoint_rows.c.number)):
        number += 1
        part.checked += 1
        tick(1)
        if row.number != number:
            part.fault(checkpoint_rows.name, number, "checkpoint_gap", number, row.number)
            number = row.number
        note = _note(part, row)
        if note is None:
            continue
        origin = origin or note.origin
        _same(part, row, note, origin)
        if note.size <= size or instant_text(note.at) < at:
            expected_order, got_order = f"> {size}, >= {at}", f"{note.size}, {row.at}"
            part.fault(checkpoint_rows.name, row.number, "checkpoint_order", expected_order, got_order)
        size, at = note.size, instant_text(note.at)
        expected = grown.roots.get(note.size)
        if expected is None:
            part.fault(checkpoint_rows.name, row.number, "tree_too_small", note.size, grown.size)
        elif expected != note.root:
            part.fault(checkpoint_rows.name, row.number, "root_differs", note.root.hex(), expected.hex())
        elif (edge := grown.edges[note.size]) != bytes(row.edge):
            part.fault(checkpoint_rows.name, row.number, "edge_differs", edge.hex(), bytes(row.edge).hex())
        signed = notes.signers(note, keys)
        _check_signers(part, row.number, signed, signed_last, order, len(note.signatures))
        signed_last = signed or signed_last
    if grown.size > size:
        part.fault(checkpoint_rows.name, number, "checkpoint_missing", f"size {grown.size}", f"size {size}")


def _note(part: Part, row: Row[Any]) -> notes.Note | None:
    try:
        return notes.read(row.note)
    except BadNote as error:
        part.fault(checkpoint_rows.name, row.number, "note_broken", "", error)
        return None


def _same(part: Part, row: Row[Any], note: notes.Note, origin: str) -> None:
    ids = " ".join(one.key_id for one in note.signatures)
    for expected, got in (
        (note.size, row.size), (instant_text(note.at), row.at), (ids, row.key_ids), (origin, note.origin),
    ):  # fmt: skip
        if expected != got:
            part.fault(checkpoint_rows.name, row.number, "checkpoint_columns", expected, got)


def _check_signers(
    part: Part, number: int, signed: tuple[str, ...], before: tuple[str, ...], order: list[str], signatures: int
) -> None:
    """Somebody known has signed, every signature on it holds, and no key signs after a later one has taken over."""
    if not signed or len(signed) != signatures:
        part.fault(checkpoint_rows.name, number, "signature_bad", f"{signatures} signatures", f"{len(signed)} hold")
        return
    newest = max(order.index(one) for one in signed)
    if before and newest < max(order.index(one) for one in before):
        part.fault(checkpoint_rows.name, number, "key_out_of_date", "", signed[0])


def check_keys(tx: SqlTransaction, part: Part) -> dict[str, bytes]:
    """Keys as the table has them; each was announced in the log, and vouched for by the one before it or said to be
    lost. Returns id -> public key, oldest first."""
    rows = tx.connection.execute(select(checkpoint_keys).order_by(checkpoint_keys.c.number)).all()
    announced = [(entry.seq, entry.command, entry.events[0]) for entry in tx.read(KEYS)]
    found: dict[str, bytes] = {}
    before = b""
    for place in range(max(len(rows), len(announced))):
        part.checked += 1
        if place >= len(rows) or place >= len(announced):
            missing = "row" if place >= len(rows) else "announcement"
            part.fault(KEYS, place + 1, "key_unannounced", missing, "")
            if place < len(rows):
                found[rows[place].key_id] = bytes.fromhex(rows[place].public)
            continue
        row, (seq, command, event) = rows[place], announced[place]
        public = bytes.fromhex(row.public)
        expected = (event["key_id"], event["public"], notes.key_id(event["origin"], bytes.fromhex(event["public"])))
        if expected != (row.key_id, row.public, row.key_id):
            part.fault(KEYS, seq, "key_differs", expected, (row.key_id, row.public))
        if before and command.get("lost"):
            part.note("verify.note.key_lost", key=row.key_id, seq=seq)
        elif before and not _vouched(before, public, event["vouched"]):
            part.fault(KEYS, seq, "key_not_vouched", "", row.key_id)
        found[row.key_id] = before = public
    return found


def _vouched(old: bytes, new: bytes, signature: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(old).verify(bytes.fromhex(signature), b"next key\n" + new)
    except (InvalidSignature, ValueError):
        return False
    return True


def stops(conn: Connection) -> Iterator[int]:
    """Sizes of all checkpoints: where the growing tree's root is asked for."""
    yield from conn.scalars(select(checkpoint_rows.c.size))
