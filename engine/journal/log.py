"""The sealed log: every entry a leaf of one tree over all streams, and signed checkpoints of it (docs/journal.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, text

from engine.domain.codec import instant_text, parse_instant

from . import checkpoint as notes
from . import tree
from .checkpoint import Checkpoint, Signer
from .hashing import SIZE
from .schema import checkpoints as checkpoint_rows
from .schema import entries, journal_format, leaves, subtrees
from .schema import unsealed as queue

BATCH: Final = 2_000
"""Entries sealed in one transaction: a tenth of a second in which SQLite has no other writer (bench/sealing.py)."""
_LOCK: Final = 0x6F70_696E_696F_6E01
"""Key of PostgreSQL's advisory lock of the one sealer."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Entries not sealed yet: how many, and the instant of the oldest (aware UTC), None when there is none."""

    count: int
    oldest: datetime | None


_SEALED = delete(queue).where(queue.c.arrival == bindparam("done"))


def alone(conn: Connection) -> None:
    """Waits until no other sealer is at work, to the end of this transaction. Requires a writing one.

    To be called before anything is read that the sealing depends on: keys, the newest checkpoint, what logs are
    covered. On SQLite a writing transaction is alone anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def seal(conn: Connection, signer: Signer, at: datetime, limit: int = BATCH) -> Checkpoint | None:
    """Adds what waits to the tree, up to `limit` entries, and signs the new root; None when nothing waits.

    Requires a writing transaction. Leaves stand in order of arrival, those of a stream in its own order. Two sealers
    follow one another; the unique keys of leaves and checkpoints would stop a third.
    """
    alone(conn)
    algorithm, _ = _format(conn)
    found = conn.execute(
        select(queue.c.arrival, queue.c.case_id, queue.c.seq, entries.c.body)
        .join(entries, (entries.c.case_id == queue.c.case_id) & (entries.c.seq == queue.c.seq))
        .order_by(queue.c.arrival)
        .limit(limit)
    ).all()
    if not found:
        return None
    last = conn.execute(_LATEST).first()
    edge = tree.Edge(algorithm=algorithm)
    if last is not None:
        edge = tree.Edge(last.size, _hashes(bytes(last.edge)), algorithm)
    rows = []
    for row in found:
        leaf = tree.leaf_hash(bytes(row.body), algorithm)
        rows.append({"position": edge.size, "case_id": row.case_id, "seq": row.seq, "hash": leaf})
        edge.add(leaf)
    conn.execute(insert(leaves), rows)
    if edge.finished:
        made = [{"height": h, "position": p, "hash": found} for h, p, found in edge.finished]
        conn.execute(insert(subtrees), made)
    # One by one: a row below the last may have come since, or wait for an entry that somebody took away.
    conn.execute(_SEALED, [{"done": row.arrival} for row in found])
    return _sign(conn, edge, signer, at, 1 if last is None else last.number + 1)


def _sign(conn: Connection, edge: tree.Edge, signer: Signer, at: datetime, number: int) -> Checkpoint:
    root = edge.root()
    note = notes.write(signer.origin, edge.size, root, at, edge.algorithm, signer)
    signed = tuple(one.key_id for one in notes.read(note).signatures)
    conn.execute(
        insert(checkpoint_rows).values(
            number=number,
            size=edge.size,
            at=instant_text(at),
            edge=b"".join(edge.hashes),
            note=note,
            key_ids=" ".join(signed),
        )
    )
    return Checkpoint(number, signer.origin, edge.size, root, at, edge.algorithm, note, signed)


_LATEST = select(checkpoint_rows).order_by(checkpoint_rows.c.number.desc()).limit(1)


def latest(conn: Connection) -> Checkpoint | None:
    """The newest checkpoint."""
    row = conn.execute(_LATEST).first()
    return None if row is None else _checkpoint(row)


def checkpoints(conn: Connection, after: int = 0, limit: int = 2**31 - 1) -> list[Checkpoint]:
    """Checkpoints with a number above `after`, oldest first."""
    found = select(checkpoint_rows).where(checkpoint_rows.c.number > after).order_by(checkpoint_rows.c.number)
    return [_checkpoint(row) for row in conn.execute(found.limit(limit))]


def checkpoint(conn: Connection, number: int) -> Checkpoint | None:
    row = conn.execute(select(checkpoint_rows).where(checkpoint_rows.c.number == number)).first()
    return None if row is None else _checkpoint(row)


def position(conn: Connection, case_id: str, seq: int) -> int | None:
    """Place of the entry's leaf in the tree; None while it waits."""
    found: int | None = conn.scalar(select(leaves.c.position).where(leaves.c.case_id == case_id, leaves.c.seq == seq))
    return found


def positions(conn: Connection, case_id: str) -> dict[int, int]:
    """seq -> place of the leaf, for every sealed entry of a stream."""
    found = conn.execute(select(leaves.c.seq, leaves.c.position).where(leaves.c.case_id == case_id))
    return {row.seq: row.position for row in found}


def waiting(conn: Connection) -> Waiting:
    """What is not sealed yet: the window in which an entry's removal would leave no trace."""
    count, oldest = conn.execute(select(func.count(), func.min(queue.c.at))).one()
    return Waiting(count, parse_instant(oldest) if oldest else None)


def unsealed(conn: Connection) -> int:
    """How many entries are not sealed yet."""
    return waiting(conn).count


def inclusion(conn: Connection, index: int, size: int) -> list[bytes]:
    """The path of leaf `index` to the root of the first `size` leaves. Reads some hundred rows."""
    algorithm, _ = _format(conn)
    return tree.inclusion(index, size, _node(conn, algorithm), algorithm)


def inclusions(conn: Connection, indexes: Iterable[int], size: int) -> Iterator[list[bytes]]:
    """`inclusion` of many leaves, reading what their paths share once."""
    algorithm, _ = _format(conn)
    node = _node(conn, algorithm)
    return (tree.inclusion(index, size, node, algorithm) for index in indexes)


def consistency(conn: Connection, old: int, new: int) -> list[bytes]:
    """The proof that the tree of `new` leaves begins with that of `old`."""
    algorithm, _ = _format(conn)
    return tree.consistency(old, new, _node(conn, algorithm), algorithm)


def root_at(conn: Connection, size: int) -> bytes:
    """The root of the first `size` leaves."""
    algorithm, _ = _format(conn)
    return tree.subtree(0, size, _node(conn, algorithm), algorithm) if size else tree.empty_root(algorithm)


def origin(conn: Connection) -> str:
    """The log's name, "" before its first checkpoint."""
    return _format(conn)[1]


def _node(conn: Connection, algorithm: str) -> tree.Node:
    """Complete subtrees from the stored ones of the height below."""
    known: dict[tuple[int, int], bytes] = {}

    def node(height: int, place: int) -> bytes:
        if (height, place) not in known:
            base = height - height % tree.Edge.STEP
            count = 1 << height - base
            known[height, place] = tree.root(_stored(conn, base, place * count, count), algorithm)
        return known[height, place]

    return node


def _stored(conn: Connection, height: int, start: int, count: int) -> Sequence[bytes]:
    table: Any = leaves if height == 0 else subtrees
    wanted = select(table.c.hash).where(table.c.position >= start, table.c.position < start + count)
    if height:
        wanted = wanted.where(table.c.height == height)
    found = [bytes(row[0]) for row in conn.execute(wanted.order_by(table.c.position))]
    if len(found) != count:
        raise LookupError(f"expected {count} hashes of height {height} from {start} on, found {len(found)}")
    return found


def _format(conn: Connection) -> tuple[str, str]:
    row = conn.execute(select(journal_format.c.algorithm, journal_format.c.origin)).one()
    return row.algorithm, row.origin


def _hashes(edge: bytes) -> list[bytes]:
    return [edge[start : start + SIZE] for start in range(0, len(edge), SIZE)]


def _checkpoint(row: Row[Any]) -> Checkpoint:
    note = notes.read(row.note)
    signed = tuple(one.key_id for one in note.signatures)
    return Checkpoint(row.number, note.origin, note.size, note.root, note.at, note.algorithm, row.note, signed)
