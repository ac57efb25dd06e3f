"""The documents (文书) of the packed cases: their files, and the journal's entries that say what each must be.

Stream `_documents` tells of every case; only the entries about the packed ones go along, each with its place in the
signed tree. The list is made of these entries, not of the table beside them: what is proven is what is listed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.domain.codec import JSON, instant_text
from engine.journal import schema
from engine.journal.entry import StoredEntry, read_entry

from . import document_data, package_files, package_log
from .document_templates import STREAM
from .package_bag import Bag
from .package_log import SealedLog

LIST: Final = "data/documents.json"
ENTRIES: Final = "data/documents/entries.jsonl"
PROOFS: Final = "data/documents/proofs.jsonl"
FORMS: Final = ("docx", "pdf")
AT_ONCE: Final = 200
"""Rows of the stream held in memory while those of the packed cases are picked out."""


def entries_of(conn: Connection, case_ids: Collection[str]) -> list[StoredEntry]:
    """The entries about documents made for these cases, in order."""
    columns = schema.entries.c
    wanted = select(columns.body, columns.hash).where(columns.case_id == STREAM).order_by(columns.seq)
    rows = conn.execute(wanted.execution_options(yield_per=AT_ONCE))
    return [entry for entry in _made(rows) if entry.events[0]["case"] in case_ids]


def listed(entries: Sequence[StoredEntry]) -> list[dict[str, Any]]:
    """What the list says of each document, without where its files lie. `void`: another stands in its place."""
    found: list[dict[str, Any]] = []
    after = {entry.events[0]["replaces"]: entry.events[0]["number"] for entry in entries}
    for entry in entries:
        event = entry.events[0]
        found.append(
            {
                **{name: value for name, value in event.items() if name != "kind"},
                "title": document_data.title(event["document"]),
                "entry": entry.seq,
                "at": instant_text(entry.at),
                "by": entry.actor,
                "reason": entry.command["reason"],
                "void": event["number"] in after,
                "replaced_by": after.get(event["number"], 0),
            }
        )
    return found


def write(services: Any, bag: Bag, conn: Connection, entries: Sequence[StoredEntry], log: SealedLog) -> dict[str, JSON]:
    """Writes list, entries, proofs and files; what the index says of them."""
    bag.add(ENTRIES, package_files.entry_lines(entries))
    sealed = 0

    def lines() -> Iterator[bytes]:
        nonlocal sealed
        for proof in package_log.proofs(conn, entries, log):
            sealed += proof["leaf"] is not None
            yield (json.dumps(proof, sort_keys=True) + "\n").encode()

    bag.add(PROOFS, lines())
    rows = listed(entries)
    for row in rows:
        for form in FORMS:
            row[form] = {**row[form], "stored": _file(services, bag, row, form)}
    bag.text(LIST, package_files.json_text(rows))
    return {"count": len(entries), "sealed": sealed, "list": LIST, "entries_file": ENTRIES, "proofs_file": PROOFS}


def _made(rows: Iterable[Any]) -> Iterator[StoredEntry]:
    for row in rows:
        entry = read_entry(bytes(row.body), row.hash)
        if entry.events[0]["kind"] == "DocumentMade":
            yield entry


def _file(services: Any, bag: Bag, row: dict[str, Any], form: str) -> str:
    """Where the file lies in the package; "" for one that the store has lost, which the verifier finds fault with."""
    name = f"data/documents/{row['number']}-{row['document']}.{form}"
    try:
        with services.files.open(row[form]["sha256"]) as source:
            # Both kinds are compressed already.
            bag.add(name, package_files.chunks(source), size=row[form]["size"], packed=False)
    except FileNotFoundError:
        return ""
    return name
