"""Verification of the read models: projected once more beside the real ones, and compared row by row."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Table, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from engine.journal.entry import StoredEntry
from engine.readmodels.projector import project
from engine.readmodels.schema import READ_MODELS

from .verification import Part, Tick

OUTSIDE = {"notifications": {"sent_at"}}
"""Columns that the journal does not hold."""


def check_models(
    conn: Connection, entries: Iterable[StoredEntry], part: Part, only: Collection[str], tick: Tick
) -> None:
    """Each row that stands is the row that the entries give, and none is missing. The real tables are only read; the
    second projection lives in memory. `only`: case numbers, empty for all."""
    engine = create_engine("sqlite://")
    with engine.connect() as beside, beside.begin():
        for table in READ_MODELS:
            table.create(beside)
        for entry in entries:
            try:
                project(beside, entry)
            except (KeyError, TypeError, ValueError, SQLAlchemyError) as error:
                part.fault(entry.case_id, entry.seq, "model_impossible", "", repr(error))
                break
            tick(1)
        if not part.faults:
            for table in READ_MODELS:
                _compare(table, _rows(beside, table, only), _rows(conn, table, only), part)
    engine.dispose()


def _rows(conn: Connection, table: Table, only: Collection[str]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    outside = OUTSIDE.get(table.name, set())
    key = [column.name for column in table.primary_key]
    columns = [column for column in table.columns if column.name not in outside]
    wanted = select(*columns)
    if only and "case_id" in table.c:
        wanted = wanted.where(table.c.case_id.in_(only))
    found = conn.execute(wanted)
    places = [[column.name for column in columns].index(name) for name in key]
    return {tuple(row[place] for place in places): tuple(row) for row in found}


def _compare(table: Table, expected: dict[Any, Any], got: dict[Any, Any], part: Part) -> None:
    part.checked += len(expected)
    for key in sorted({*expected, *got}, key=repr):
        if expected.get(key) != got.get(key):
            what = "model_missing" if key not in got else "model_extra" if key not in expected else "model_differs"
            part.fault(f"{table.name} {'/'.join(map(str, key))}", 0, what, expected.get(key, ""), got.get(key, ""))
