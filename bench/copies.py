"""Many closed cases made of a few: a case is really walked to its end, then written again under other numbers.

Entries are linked and hashed anew: chains and the tree of the copies verify. Their state digests are the original's,
so a replay of a copy does not: they are there to be numerous, not to be carried on. Rows of the read models are those
that the projector wrote, renumbered. Copies share instants and titles; the sums of `passages` are not multiplied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Table, insert, select

from engine.domain.codec import instant_text
from engine.journal.entry import GENESIS, StoredEntry, make_entry
from engine.journal.schema import entries
from engine.readmodels import schema
from engine.service.bootstrap import Services
from engine.service.transactions import writing

BATCH: Final = 400
"""Cases written in one transaction."""
COPIED: Final = tuple(table for table in schema.READ_MODELS if "case_id" in table.c)


def number(of: int) -> str:
    """Number of the n-th copy: beyond those that the office gives out itself."""
    return f"WQ-2026-1{of:07}"


def multiply(services: Services, sources: list[str], copies: int, first: int = 0) -> int:
    """Writes `copies` cases, the sources in turn; returns the entries written."""
    with services.journal.reading() as tx:
        originals = [(source, tx.read(source), rows_of(tx.connection, source)) for source in sources]
    written, numbers = 0, iter(range(first, first + copies))
    while batch := list(islice(numbers, BATCH)):
        made: list[dict[str, Any]] = []
        rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in COPIED}
        for which in batch:
            source, journal, projected = originals[which % len(originals)]
            made += (row for row in entry_rows(journal, number(which), services.journal.algorithm))
            for table, kept in projected.items():
                rows[table] += (renumbered(row, source, number(which)) for row in kept)
        with writing(services.engine) as conn:
            conn.execute(insert(entries), made)
            for table, several in rows.items():
                if several:
                    conn.execute(insert(table), several)
        written += len(made)
    return written


def rows_of(conn: Connection, case_id: str) -> dict[Table, list[dict[str, Any]]]:
    return {
        table: [dict(row) for row in conn.execute(select(table).where(table.c.case_id == case_id)).mappings()]
        for table in COPIED
    }


def renumbered(row: dict[str, Any], source: str, case_id: str) -> dict[str, Any]:
    return {name: value.replace(source, case_id) if isinstance(value, str) else value for name, value in row.items()}


def entry_rows(journal: Iterable[StoredEntry], case_id: str, algorithm: str) -> Iterator[dict[str, Any]]:
    """The same commands and events as entries of another case."""
    before = GENESIS
    for entry in journal:
        made = make_entry(
            case_id=case_id,
            seq=entry.seq,
            at=entry.at,
            actor=entry.actor,
            on_behalf_of=entry.on_behalf_of,
            command_id=f"{case_id}-{entry.seq}",
            command=entry.command,
            bundle=entry.bundle,
            engine_version=entry.engine_version,
            events=entry.events,
            state_digest=entry.state_digest,
            prev_hash=before,
            algorithm=algorithm,
        )
        before = made.hash
        yield {
            "case_id": case_id, "seq": made.seq, "at": instant_text(made.at), "actor": made.actor,
            "command_id": made.command_id, "hash": made.hash, "body": made.body,
        }  # fmt: skip
