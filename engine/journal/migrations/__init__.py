"""Migrations of every table that is no read model: one revision after another, each run once and in one transaction.

A revision only adds (tables, columns with a default, indexes): the release before it goes on beside it while an upgrade
rolls. What is to be taken away goes in a later release, when no program uses it any more. Revisions hold their own
definitions and never look at the program's tables, which will have changed by then; comments and triggers are the
program's, and are made anew after each run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import SetColumnComment, SetTableComment

from engine.journal.append_only import GUARDS
from engine.journal.schema import metadata

_LOCK: Final = 0x6F70_696E_0001
"""Number of PostgreSQL's advisory lock: programs that start at once upgrade one after another."""
_NAMED: Final = re.compile(r"\b(?:TRIGGER|FUNCTION) (?:IF NOT EXISTS )?(\w+)")


@cache
def scripts() -> ScriptDirectory:
    """The revisions that this program knows; read once."""
    folder = Path(__file__).parent
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def waiting(connection: Connection) -> tuple[str, ...]:
    """Revisions that this program knows and the database does not have, oldest first."""
    return tuple(script.revision for script in _waiting(MigrationContext.configure(connection), scripts()))


def upgrade(connection: Connection) -> tuple[str, ...]:
    """Brings the database up to this program, in the caller's transaction; returns the revisions that it ran.

    Requires a writing transaction. A database that holds revisions of a later release is left as it is: those only
    add. Programs that call this at once follow each other; the later ones find nothing to do.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        # A program at work looks into its read models first; its other tables stand where the first connection looked.
        where = connection.dialect.identifier_preparer.quote_identifier(
            connection.dialect.default_schema_name or "public"
        )
        connection.execute(text("SELECT set_config('search_path', :where, true)"), {"where": where})
    known = scripts()
    context = MigrationContext.configure(connection)
    todo = _waiting(context, known)
    with Operations.context(context):
        for script in todo:
            script.module.upgrade()
    if todo:
        context.stamp(known, "heads")
        _comments(connection)
    if todo or unguarded(connection):
        for statement in GUARDS[connection.dialect.name]:
            connection.exec_driver_sql(statement)
    return tuple(script.revision for script in todo)


def unguarded(connection: Connection) -> set[str]:
    """Names of triggers and their functions that the database should have and lacks, or that somebody disabled."""
    wanted = {found[1] for statement in GUARDS[connection.dialect.name] if (found := _NAMED.search(statement))}
    if connection.dialect.name == "postgresql":
        there = (
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
            " UNION ALL SELECT proname FROM pg_proc"
            " WHERE pronamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('entries'))"
        )
    else:
        there = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    return wanted - set(connection.scalars(text(there)))


def _waiting(context: MigrationContext, known: ScriptDirectory) -> list[Script]:
    names = {script.revision for script in known.walk_revisions()}
    done: set[str] = set()
    for head in context.get_current_heads():
        if head not in names:
            return []
        done |= {script.revision for script in _with_ancestors(known, head)}
    return [script for script in reversed(list(known.walk_revisions())) if script.revision not in done]


def _with_ancestors(known: ScriptDirectory, head: str) -> Iterator[Script]:
    yield from known.iterate_revisions(head, "base")


def _comments(connection: Connection) -> None:
    """What each table and column is, for who looks at the database with a tool of his own."""
    if not connection.dialect.supports_comments:
        return
    found = inspect(connection)
    there = set(found.get_table_names())
    for table in metadata.tables.values():
        if table.name in there:
            # Read models of an earlier release may still stand here, without what this one has added to them.
            known = {column["name"] for column in found.get_columns(table.name)}
            connection.execute(SetTableComment(table))
            for column in table.columns:
                if column.name in known:
                    connection.execute(SetColumnComment(column))
