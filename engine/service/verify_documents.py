"""Verification of documents and templates: each row says what its entry of stream `_documents` says."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from engine.journal.store import SqlTransaction

from . import document_lookup, documents
from .document_templates import STREAM
from .documents_tables import document_templates, made_documents
from .verification import Part


def check_documents(tx: SqlTransaction, part: Part) -> None:
    """Rows against entries, both ways. That the files are there, whole, is checked with all others (part `files`)."""
    made: dict[int, dict[str, Any]] = {}
    templates: dict[int, dict[str, Any]] = {}
    for entry in tx.read(STREAM):
        event = dict(entry.events[0])
        kept = made if event.pop("kind") == "DocumentMade" else templates
        kept[event["number"]] = {**event, "by": entry.actor, "reason": entry.command["reason"]}
    numbers = tx.connection.scalars(select(made_documents.c.number)).all()
    documents_here = (document_lookup.get(tx.connection, number) for number in numbers)
    rows = {
        one.number: {**documents.entry_facts(one), "by": one.made_by, "reason": one.reason}
        for one in documents_here
        if one is not None
    }
    _compare(part, made_documents.name, made, rows)
    found = tx.connection.execute(select(document_templates))
    _compare(
        part,
        document_templates.name,
        templates,
        {
            row.number: {
                "number": row.number, "document": row.kind, "sha256": row.sha256, "size": row.size,
                "by": row.made_by, "reason": row.reason,
            }
            for row in found
        },
    )  # fmt: skip


def _compare(part: Part, table: str, told: dict[int, dict[str, Any]], rows: dict[int, dict[str, Any]]) -> None:
    for number in sorted({*told, *rows}):
        part.checked += 1
        if number not in told or number not in rows:
            part.fault(STREAM, number, "document_unmatched", "entry and row", "entry" if number in told else "row")
        elif told[number] != rows[number]:
            wrong = sorted(name for name in told[number] if told[number][name] != rows[number].get(name))
            expected, got = ([f"{name}={one[name]}" for name in wrong] for one in (told[number], rows[number]))
            part.fault(f"{table} {number}", number, "document_differs", ", ".join(expected), ", ".join(got))
