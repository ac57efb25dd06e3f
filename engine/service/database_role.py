"""The PostgreSQL role that the program runs as: it may do what the office does, and cannot touch what is only added to.

The owner of the tables upgrades them; the program's own role neither owns nor changes any. So not even somebody who has
taken over the program can update, delete, empty or drop the journal, or switch its triggers off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, inspect, text

from engine.journal.guards import APPEND_ONLY

from . import documents_tables, register_tables
from .log_tables import LOGS

ADD: Final = "SELECT, INSERT"
READ: Final = "SELECT"
KEEP: Final = "SELECT, INSERT, UPDATE"
ALL: Final = "SELECT, INSERT, UPDATE, DELETE"

ADDED_TO: Final = (*(table for table, _ in LOGS), *documents_tables.ADDED_TO, *register_tables.ADDED_TO)
RIGHTS: Final = {
    **dict.fromkeys((*APPEND_ONLY, *(table.name for table in ADDED_TO)), ADD),
    "alembic_version": READ,
    "readmodel_sets": f"{READ}, UPDATE (seen)",
    "journal_format": f"{READ}, UPDATE (origin)",
    "unsealed": "SELECT, INSERT, DELETE",
    "case_numbers": KEEP,
    "document_numbers": KEEP,
    "persons": KEEP,
    "units": KEEP,
    "lines": KEEP,
    "absences": KEEP,
    "sessions": KEEP,
    "items": KEEP,
    "topics": KEEP,
    "item_offers": KEEP,
    "item_instant_edits": KEEP,
    "item_imports": KEEP,
    "feeds": KEEP,
    "api_tokens": KEEP,
}
"""What the role may do with a table; `ALL` with every other one: read models, drafts, queues, marks of things sent."""


class CannotGrant(Exception):
    """Not a PostgreSQL database, or its user may not make or grant roles; the text says which."""


def grant(connection: Connection, role: str, password: str = "") -> tuple[str, ...]:
    """Makes `role` if there is none and gives it its rights on everything there is; returns what it may do, a line a
    table. Run again after an upgrade it takes in what is new, and takes back what it should not have.

    `password`: of a role that is made now; without one it signs in by other means (peer, certificate). Raises
    CannotGrant. Requires a transaction of the tables' owner.
    """
    if connection.dialect.name != "postgresql":
        raise CannotGrant("only PostgreSQL has roles")
    name = quoted(connection, role)
    if connection.scalar(text("SELECT current_user")) == role:
        raise CannotGrant(f"{role} owns the tables: connect as the owner, and name another role")
    if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
        secret = f" PASSWORD {_literal(password)}" if password else ""
        _run(connection, f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION{secret}")
    if connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = :role"), {"role": role}):
        raise CannotGrant(f"{role} is a superuser: no right can be kept from it")
    database = quoted(connection, str(connection.scalar(text("SELECT current_database()"))))
    # A temporary table would stand before the real one of the same name, in the triggers too.
    _run(connection, f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    _run(connection, f"GRANT CONNECT ON DATABASE {database} TO {name}")
    told = []
    for schema in schemas(connection):
        told += _on_schema(connection, schema, name)
    return tuple(told)


def regrant(connection: Connection) -> tuple[str, ...]:
    """Gives every role that can add to the journal, and does not own it, its rights on what an upgrade made; returns
    the roles."""
    if connection.dialect.name != "postgresql":
        return ()
    roles = connection.scalars(
        text(
            "SELECT DISTINCT grantee::regrole::text FROM pg_class c, aclexplode(c.relacl)"
            " WHERE c.oid = 'entries'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, c.relowner)"
        )
    )
    found = tuple(role.strip('"') for role in roles)
    for role in found:
        grant(connection, role)
    return found


def schemas(connection: Connection) -> Sequence[str]:
    """The schema of the tables, and those of read models."""
    return connection.scalars(
        text(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'readmodels\\_%'"
            " OR oid = (SELECT relnamespace FROM pg_class WHERE oid = 'entries'::regclass) ORDER BY nspname"
        )
    ).all()


def quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _on_schema(connection: Connection, schema: str, role: str) -> list[str]:
    within = quoted(connection, schema)
    _run(connection, f"REVOKE CREATE ON SCHEMA {within} FROM PUBLIC")
    _run(connection, f"GRANT USAGE ON SCHEMA {within} TO {role}")
    _run(connection, f"REVOKE ALL ON ALL TABLES IN SCHEMA {within} FROM {role}")
    told = []
    for table in sorted(inspect(connection).get_table_names(schema)):
        rights = RIGHTS.get(table, ALL)
        _run(connection, f"GRANT {rights} ON {within}.{quoted(connection, table)} TO {role}")
        told.append(f"{schema}.{table}: {rights}")
    _run(connection, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {within} TO {role}")
    return told


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement.replace("%", "%%"))


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
