"""Triggers by which the database itself refuses to change or delete the rows of a table, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import DDL, event

from .schema import metadata

GUARDS: Final[dict[str, list[str]]] = {"sqlite": [], "postgresql": []}
"""Every statement handed to `after_create`, by kind of database."""

POSTGRESQL_REFUSAL = (
    "CREATE OR REPLACE FUNCTION only_ever_added_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION USING MESSAGE = coalesce(TG_ARGV[0], TG_TABLE_NAME || ' is only ever added to'),"
    " ERRCODE = '23514'; END $$"
)

POSTGRESQL_NEXT_NUMBER = (
    "CREATE OR REPLACE FUNCTION numbered_without_gaps() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE last integer;"
    " BEGIN EXECUTE 'SELECT coalesce(max(number), 0) FROM ' || quote_ident(TG_TABLE_SCHEMA) || '.'"
    " || quote_ident(TG_TABLE_NAME) INTO last;"
    " IF NEW.number <> last + 1 THEN RAISE EXCEPTION"
    " USING MESSAGE = TG_TABLE_NAME || ' is numbered without gaps', ERRCODE = '23514'; END IF;"
    " RETURN NEW; END $$"
)


def sqlite_guards(tables: Sequence[str], said: str = "") -> tuple[str, ...]:
    """Statements that make `tables` append-only on SQLite. `said`: the refusal, if not the table's own."""
    return tuple(
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{said or f'{table} is only ever added to'}'); END"
        for table in tables
        for verb in ("UPDATE", "DELETE")
    )


def postgresql_guards(tables: Sequence[str], said: str = "") -> tuple[str, ...]:
    """Statements that make `tables` append-only on PostgreSQL. `said`: the refusal, if not the table's own."""
    words = f"'{said}'" if said else ""
    return (
        POSTGRESQL_REFUSAL,
        *(
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added_to({words})"
            for table in tables
        ),
    )


def sqlite_no_replacing(table: str, key: Sequence[str], name: str = "no_replace", said: str = "") -> str:
    """Statement that closes the way around the triggers above on SQLite, for one key of `table`.

    INSERT OR REPLACE removes the old row without asking the triggers on DELETE. `name`: of the trigger, behind the
    table's; `said`: the refusal, if not the table's own.
    """
    known = " AND ".join(f"{column} = NEW.{column}" for column in key)
    return (
        f"CREATE TRIGGER IF NOT EXISTS {table}_{name} BEFORE INSERT ON {table}"
        f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {known})"
        f" BEGIN SELECT RAISE(ABORT, '{said or f'{table} is only ever added to'}'); END"
    )


def after_create(dialect: str, statements: Sequence[str]) -> None:
    """Lets migrations, and `metadata.create_all`, run these statements on a database of that kind. They may run again
    and again: CREATE OR REPLACE, IF NOT EXISTS."""
    GUARDS[dialect] += statements
    for statement in statements:
        ddl = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
        event.listen(metadata, "after_create", ddl)


def sqlite_numbering(tables: Sequence[str]) -> tuple[str, ...]:
    """Statements by which SQLite takes a row of `tables` only under the next `number`.

    It also closes the way around the other triggers, see `sqlite_no_replacing`.
    """
    return tuple(
        f"CREATE TRIGGER IF NOT EXISTS {table}_next_number BEFORE INSERT ON {table}"
        f" WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM {table})"
        f" BEGIN SELECT RAISE(ABORT, '{table} is numbered without gaps'); END"
        for table in tables
    )


def postgresql_numbering(tables: Sequence[str]) -> tuple[str, ...]:
    """Statements by which PostgreSQL takes a row of `tables` only under the next `number`."""
    return (
        POSTGRESQL_NEXT_NUMBER,
        *(
            f"CREATE OR REPLACE TRIGGER {table}_next_number BEFORE INSERT ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION numbered_without_gaps()"
            for table in tables
        ),
    )
