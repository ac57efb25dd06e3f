"""Tables of the two logs of the audit: who looked at which case, and what was taken out of the system (R71).

Rows are numbered 1, 2, 3 ... without gaps in the order of their commits, so that a seal over "rows 1 to n" can never be
joined by a late row with a smaller number. The database refuses any other number, every change and every deletion.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
    select,
    text,
)

from engine.journal.append_only import (
    after_create,
    postgresql_guards,
    postgresql_numbering,
    sqlite_guards,
    sqlite_numbering,
)
from engine.journal.schema import metadata

from .people_tables import people_log, security_log

access_log = Table(
    "access_log",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... without gaps"),
    Column("at", Text, nullable=False, comment="instant of the look, UTC"),
    Column("user_id", Text, nullable=False, comment="login of who looked"),
    Column("case_id", Text, nullable=False, comment="case that was looked at"),
    Column("page", Text, nullable=False, comment="name of the page (endpoint), e.g. cases.show, files.download"),
    Column("address", Text, nullable=False, comment="network address of the request"),
    Column("by_right", Text, nullable=False, comment="why he may: role:<role> or group:<group>; '' when neither"),
    Column("on_behalf_of", Text, nullable=False, comment="login of the absent person the right comes from, or ''"),
    Column("target", Text, nullable=False, comment="what of the page: path and query, first 300 characters"),
    Index("access_log_by_person", "user_id", "at", "number"),
    Index("access_log_by_case", "case_id", "at", "number"),
    Index("access_log_by_time", "at", "number"),
    comment="Every look at a case, by anybody. Only ever added to; never deleted by the program",
)

export_log = Table(
    "export_log",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ...; in the export's watermark"),
    Column("at", Text, nullable=False, comment="instant it was begun, UTC"),
    Column("user_id", Text, nullable=False, comment="login of who asked for it; system:command from the command line"),
    Column("name", Text, nullable=False, comment="his name at that time, as in the watermark"),
    Column("kind", Text, nullable=False, comment="case_package, xes, ocel, csv, evidence, witness, bundle ..."),
    Column("subject", Text, nullable=False, comment="what it is of: a case, a period, a bundle version"),
    Column("address", Text, nullable=False, comment="network address of the request; '' from the command line"),
    Index("export_log_by_person", "user_id", "number"),
    Index("export_log_by_subject", "subject", "number"),
    comment="Every export, written before its bytes are made. Only ever added to; never deleted by the program",
)

export_results = Table(
    "export_results",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... without gaps"),
    Column("export", Integer, ForeignKey(export_log.c.number), nullable=False, unique=True, comment="of which export"),
    Column("at", Text, nullable=False, comment="instant the bytes were complete, UTC"),
    Column("sha256", Text, nullable=False, comment="hash of the file that was handed out, hex", index=True),
    Column("size", BigInteger, nullable=False, comment="bytes"),
    comment="What came out of an export; one without a row here was never finished. Only ever added to",
)

AUDIT_LOGS: Final = (access_log, export_log, export_results)
LOGS: Final = ((people_log, "log_id"), (security_log, "log_id"), *((table, "number") for table in AUDIT_LOGS))
"""Every append-only log outside the journal with the column of its running number: what the sealer seals."""


def next_number(conn: Connection, table: Table) -> int:
    """The number of the next row of an audit log; held for this transaction until it commits.

    Requires a writing transaction: on SQLite that is alone already, on PostgreSQL a lock of the table's own makes
    writers of the same log follow each other.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": table.name})
    number: int = conn.execute(select(func.coalesce(func.max(table.c.number), 0) + 1)).scalar_one()
    return number


_NAMES: Final = tuple(table.name for table in AUDIT_LOGS)
SQLITE_GUARDS: Final = (*sqlite_guards(_NAMES), *sqlite_numbering(_NAMES))
POSTGRESQL_GUARDS: Final = (
    *postgresql_guards(_NAMES),
    *postgresql_numbering(_NAMES),
    # As the owner: who may only add rows may not lock a table, and needs it for this alone.
    "CREATE OR REPLACE FUNCTION hold_log_writers() RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path FROM CURRENT AS"
    f" $$ BEGIN LOCK TABLE {people_log.name}, {security_log.name} IN SHARE MODE; END $$",
)

after_create("sqlite", SQLITE_GUARDS)
after_create("postgresql", POSTGRESQL_GUARDS)
