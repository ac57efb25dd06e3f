"""The table of the office's registers (台账): patrols, media, teams, links and the like. Only ever added to."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from engine.journal.append_only import (
    after_create,
    postgresql_guards,
    postgresql_numbering,
    sqlite_guards,
    sqlite_numbering,
)
from engine.journal.schema import metadata

register_records = Table(
    "register_records",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="entry of the stream _registers"),
    Column("register", Text, nullable=False, comment="which register, see engine.service.registers"),
    Column("subject", Integer, nullable=False, comment="number of the first record of the same thing"),
    Column("case_id", Text, nullable=False, comment="case that it is about, '' for none"),
    Column("unit_id", Text, nullable=False, comment="unit of who wrote it, at that time"),
    Column("by_user", Text, nullable=False, comment="login of who wrote it"),
    Column("at", Text, nullable=False, comment="instant of writing, UTC"),
    Column("body", Text, nullable=False, comment="JSON object of its fields; instants in UTC, dates as dates"),
    Index("register_records_by_subject", "register", "subject", "number"),
    Index("register_records_by_case", "case_id", "register"),
    Index("register_records_by_time", "register", "at"),
    comment="Records of the office's registers; an amendment is a later record of the same subject",
)

ADDED_TO = (register_records,)
_NAMES = (register_records.name,)
after_create("sqlite", (*sqlite_guards(_NAMES), *sqlite_numbering(_NAMES)))
after_create("postgresql", (*postgresql_guards(_NAMES), *postgresql_numbering(_NAMES)))
