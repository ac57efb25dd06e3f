"""Tables of migrations by batch. No read models: a rebuild leaves them alone. What was moved is in the journal."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table, Text

from engine.journal.schema import metadata

VERDICTS: Final = ("moves", "mapping", "stays")
STATES: Final = ("judged", "moved", "failed", "back", "not_back")

migration_batches = Table(
    "migration_batches",
    metadata,
    Column("batch_id", Text, primary_key=True, comment="random id"),
    Column("at", Text, nullable=False, comment="instant of the dry run, UTC"),
    Column("actor", Text, nullable=False, comment="login of the process owner"),
    Column("version", Text, nullable=False, comment="bundle version to move to, hex"),
    Column("filters", Text, nullable=False, comment="JSON object: which running cases were looked at"),
    Column("mapping", Text, nullable=False, comment="JSON object: element id -> its id on the other version"),
    Column("reason", Text, nullable=False, comment="why the cases were moved; '' before that"),
    Column("job_id", Text, nullable=False, comment="the long job that works on it, or worked last"),
    comment="Cases looked at together for a migration",
)

migration_cases = Table(
    "migration_cases",
    metadata,
    Column("batch_id", Text, primary_key=True, comment="batch"),
    Column("case_id", Text, primary_key=True, comment="case"),
    Column("from_version", Text, nullable=False, comment="bundle version that it ran on when it was judged"),
    Column("seq", Integer, nullable=False, comment="its last entry then: another one now means judging it again"),
    Column("verdict", Text, nullable=False, comment="of the dry run: moves, mapping or stays"),
    Column("overdue", Integer, nullable=False, comment="limits that would be overdue at once"),
    Column("judgement", Text, nullable=False, comment="JSON object: reason, tasks and limits before and after"),
    Column("state", Text, nullable=False, comment="judged, moved, failed, back or not_back"),
    Column("note", Text, nullable=False, comment="JSON object: why it failed; '' when it did not"),
    Index("migration_cases_by_verdict", "batch_id", "verdict", "case_id"),
    Index("migration_cases_by_state", "batch_id", "state", "case_id"),
    comment="One row for each case of a batch",
)
